# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an ABAP system is reached: documentation of the options in ``_rfc/options.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options of the action group ``rfc``."""

    DOCUMENTATION = r"""
options:
  rfc_provider:
    description:
      - What carries the calls. V(auto) takes C(pyrfc) when it can be imported, else C(saprfclib). The SOAP service is
        never taken unasked.
      - V(pyrfc) is SAP's own library or another one that is imported by that name.
      - V(soap) needs no library, but the service C(/sap/bc/soap/rfc) of the system, which is inactive by default. Each
        call is then a session of its own, so nothing works that needs a logon to XBP or a later commit.
    type: str
    choices: [auto, pyrfc, saprfclib, soap]
    default: auto
  rfc_host:
    description:
      - Host of an application server. The module connects from where it runs, so usually it is delegated to the
        controller.
      - Needs O(rfc_instance).
    type: str
  rfc_instance:
    description: Instance number of the application server. The port is 33NN.
    type: str
  rfc_message_server:
    description: Host of the message server, for load balancing. Needs O(rfc_system_id) and O(rfc_group).
    type: str
  rfc_message_service:
    description:
      - Port or service name of the message server, when C(sapms<SID>) is not known where the module runs. The library
        C(saprfclib) asks over HTTP, so for it the port is that of C(ms/server_port_0), such as V(8101).
    type: str
  rfc_system_id:
    description: System ID, for load balancing.
    type: str
  rfc_group:
    description: Logon group, for load balancing, such as V(PUBLIC).
    type: str
  rfc_router:
    description:
      - SAProuter string, passed on as it is. With C(saprfclib) it does not go with O(rfc_message_server).
      - It may hold passwords of routers, so it is never shown. C(saprfclib) takes one as C(/P/) alone, not as C(/W/).
    type: str
  rfc_snc_partner:
    description: SNC name of the system. With it the connection is protected by SNC.
    type: str
  rfc_snc_my_name:
    description: Own SNC name, when it is not the default of the library.
    type: str
  rfc_snc_lib:
    description: Path of the cryptographic library for SNC. C(saprfclib) needs it.
    type: path
  rfc_snc_qop:
    description: Quality of protection for SNC.
    type: str
    choices: ["1", "2", "3", "8", "9"]
  rfc_client:
    description: Client to log on to, three digits.
    type: str
    required: true
  rfc_user:
    description: User. A technical one with few authorizations, not C(DDIC); see docs/abap.md.
    type: str
  rfc_password:
    description:
      - Password of O(rfc_user).
      - A password that is refused is not tried a second time, because each wrong one counts towards the lock of the
        user.
    type: str
  rfc_language:
    description: Language of the logon. Texts of the system come in it.
    type: str
    default: EN
  rfc_timeout:
    description:
      - Seconds for the answer to one call. It has nothing to do with how long a job may take.
      - The libraries take whole seconds, at least one. C(erpl-pyrfc) does not keep it; it waits about a minute for a
        peer that is silent.
    type: float
    default: 60.0
  rfc_url:
    description:
      - Address of the SOAP service for O(rfc_provider=soap), such as V(https://prdapp1.example.com:44300).
      - Only https is spoken.
      - Without a path it is C(/sap/bc/soap/rfc).
    type: str
  rfc_ca_file:
    description: For O(rfc_provider=soap), the file with the certificates (PEM) of the authorities that are trusted.
    type: path
  rfc_verify:
    description: For O(rfc_provider=soap), whether the certificate and the host name in it are checked.
    type: bool
    default: true
  rfc_soap_action:
    description:
      - For O(rfc_provider=soap), what stands between the quotes of the header C(SOAPAction).
      - Public clients of the service differ. Some send nothing and say that anything else is refused, others send
        V(urn:sap-com:document:sap:rfc:functions).
      - Try that one when a system refuses the default.
    type: str
    default: ""
requirements:
  - one of saprfclib (Python 3.12 or newer, MPL-2.0), SAP's pyrfc with SAP's NW RFC SDK (SAP's licence for the SDK),
    or erpl-pyrfc (BUSL-1.1), where the module runs; none for O(rfc_provider=soap)
"""
