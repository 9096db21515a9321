# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from a CMDB to the landscape: source, mapping, model.

Other rooms and plugins use what stands in `__all__` here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.errors import (
    CmdbError,
    Defect,
    LandscapeDefects,
    MappingError,
    SourceChanged,
    SourceDenied,
    SourceError,
    SourceUnreachable,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.export import native, write_native
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.files import fingerprint, read_path
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.landscape import Landscape, build, closest
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.link import Access, Link, plain
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.mapping import (
    SHIPPED,
    CmdbMapping,
    Model,
    open_mapping,
)
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.records import Records
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.rest import Limits, read_collections
from ansible_collections.basis.landscape.plugins.plugin_utils._cmdb.variables import (
    group_name,
    groups,
    host_variables,
    landscape_variables,
)

__all__ = [
    "SHIPPED",
    "Access",
    "CmdbError",
    "CmdbMapping",
    "Defect",
    "Landscape",
    "LandscapeDefects",
    "Limits",
    "Link",
    "MappingError",
    "Model",
    "Records",
    "SourceChanged",
    "SourceDenied",
    "SourceError",
    "SourceUnreachable",
    "build",
    "closest",
    "fingerprint",
    "group_name",
    "groups",
    "host_variables",
    "landscape_variables",
    "load_document",
    "load_files",
    "native",
    "open_mapping",
    "plain",
    "read_file",
    "read_rest",
    "write_native",
]


def read_file(path: str, mapping: CmdbMapping) -> Model:
    """What an export on disk holds, in the model's words, unchecked.

    Args:
        path: a JSON, YAML or CSV file, or a folder of them.
        mapping: how its records are to be understood.

    Raises:
        SourceError: the export cannot be read, or is not whole.
    """
    document, collections = read_path(path)
    if not collections:
        collections = mapping.from_document(document, path)
    elif os.path.isdir(path) or "rows" not in mapping.collections:
        unknown = [records.origin for records in collections if records.name not in mapping.collections]
        if unknown and not mapping.ignore_other_keys:
            known = ", ".join(mapping.collections)
            raise SourceError(f"read {path}", f"{', '.join(unknown)}: the mapping {mapping.name} knows only {known}")
    return mapping.model(collections, path)


def read_rest(link: Link, mapping: CmdbMapping, limits: Limits | None = None) -> Model:
    """What a CMDB answers over its REST interface, in the model's words, unchecked.

    Raises:
        SourceError: it cannot be read whole.
        MappingError: the mapping says nothing about the REST interface.
    """
    return mapping.model(read_collections(link, mapping, limits or Limits()), plain(link.access.url))


def load_files(
    paths: Sequence[str], *, mapping: str = "native", changes: Mapping[str, Any] | None = None, folder: str = "."
) -> Landscape:
    """The landscape in the first export, with the native files after it added.

    Raises:
        CmdbError: with everything that is wrong; nothing partial is returned.
    """
    model = read_file(paths[0], open_mapping(mapping, folder=folder, changes=changes))
    for path in paths[1:]:
        model.add(read_file(path, open_mapping("native")))
    return build(model, folder=os.path.dirname(os.path.abspath(paths[0])))


def load_document(document: Any, *, name: str = "the landscape", folder: str = ".") -> Landscape:
    """The landscape in a native export that is already in memory.

    Raises:
        CmdbError: with everything that is wrong.
    """
    mapping = open_mapping("native")
    return build(mapping.model(mapping.from_document(document, name), name), folder=folder)
