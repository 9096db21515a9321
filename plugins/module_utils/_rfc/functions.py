# SPDX-License-Identifier: GPL-3.0-or-later
"""Which function modules are known to read only; every other one counts as a change."""

from __future__ import annotations

# What a name says in its middle proves nothing (BAPI_XBP_GET_... may write a log row), so each is listed. The calls of
# XBP write rows of the XMI log; that is no change of anything that a person keeps. BAPI_XBP_JOB_STATUS_CHECK is not
# among them: it finds jobs whose work process is gone, and may set them to cancelled.
READING = frozenset(
    (
        "/SDF/GET_DUMP_LOG",
        "BAPI_USER_EXISTENCE_CHECK",
        "BAPI_USER_GETLIST",
        "BAPI_USER_GET_DETAIL",
        "BAPI_XBP_GET_CURR_BP_RESOURCES",
        "BAPI_XBP_JOBLIST_STATUS_GET",
        "BAPI_XBP_JOB_COUNT",
        "BAPI_XBP_JOB_JOBLOG_READ",
        "BAPI_XBP_JOB_READ_SINGLE_SPOOL",
        "BAPI_XBP_JOB_SELECT",
        "BAPI_XBP_JOB_SPOOLLIST_READ",
        "BAPI_XBP_JOB_STATUS_GET",
        "BAPI_XBP_READ_SELSCREEN",
        "DDIF_FIELDINFO_GET",
        "ENQUEUE_READ",
        "RFCPING",
        "RFC_GET_FUNCTION_INTERFACE",
        "RFC_GET_STRUCTURE_DEFINITION",
        "RFC_PING",
        "RFC_READ_TABLE",
        "RFC_SYSTEM_INFO",
        "RS_VARIANT_CONTENTS_RFC",
        "SCWB_API_GET_NOTES_IMPLEMENTED",
        "SSFR_GET_ALL_STRUST_IDENTITIES",
        "SSFR_GET_CERTIFICATELIST",
        "SSFR_GET_CERTREQUEST",
        "SSFR_GET_OWNCERTIFICATE",
        "SSFR_PARSE_CERTIFICATE",
        "SSFR_PSE_CHECK",
        "STC_TM_GET_SCENARIO_LIST",
        "STC_TM_GET_SESSION_LIST",
        "STC_TM_GET_TEMPLATE_LIST",
        "STC_TM_SCENARIO_GET_PARAMETERS",
        "STC_TM_SCENARIO_GET_TASKLIST",
        "STC_TM_SESSION_GET_LOG",
        "STC_TM_SESSION_GET_PARAMETERS",
        "STC_TM_SESSION_GET_STATUS",
        "STFC_CONNECTION",
        "STFC_STRUCTURE",
        "SUBST_CHECK_BATCHJOB",
        "TH_GET_PARAMETER",
        "TH_SERVER_LIST",
        "TH_USER_LIST",
        "TH_WPINFO",
        "TRFC_QIN_GET_CURRENT_QUEUES",
        "TRFC_QOUT_GET_CURRENT_QUEUES",
    )
)


def changes(function: str) -> bool:
    """Whether a function may change something."""
    return function not in READING


__all__ = ("READING", "changes")
