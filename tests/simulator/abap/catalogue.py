# SPDX-License-Identifier: GPL-3.0-or-later
"""How function modules are described: their parameters, structures, where each was learned.

The doors build bytes, XML, metadata from these descriptions alone, so that what a client is told about a function
module is what its values are read by. A description says its source: a wrong one would make our own mistake look like
SAP's behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Field:
    """One component of a structure, or the type of a scalar parameter.

    ``type`` is the letter of the ABAP type: C N D T (characters), I s b 8 (whole numbers of 4, 2, 1, 8 bytes),
    P (packed), X (bytes), F (binary float), g (string), y (string of bytes). ``length`` counts characters of C and N,
    bytes of P and X; the other types leave no choice.
    """

    name: str
    type: str
    length: int = 0
    decimals: int = 0


@dataclass(frozen=True)
class Structure:
    """A structure of the dictionary."""

    name: str
    fields: tuple[Field, ...]
    source: str
    confidence: str


@dataclass(frozen=True)
class TableType:
    """A table type: the name of its rows' structure."""

    name: str
    row: str


@dataclass(frozen=True)
class Parameter:
    """One parameter: ``kind`` is I (import), E (export), C (changing), T (table).

    ``type`` is a field of a scalar, else the name of a structure (of which a table parameter has rows) or table type.
    """

    kind: str
    name: str
    type: Field | str
    optional: bool = False


@dataclass(frozen=True)
class Function:
    """A remote-enabled function module."""

    name: str
    parameters: tuple[Parameter, ...]
    behaviour: Callable[..., dict[str, Any]]
    source: str
    confidence: str
    stateless: bool = False


@dataclass
class Catalogue:
    """The function modules of a system with the types they use."""

    functions: dict[str, Function] = field(default_factory=dict)
    structures: dict[str, Structure] = field(default_factory=dict)
    table_types: dict[str, TableType] = field(default_factory=dict)

    def add(self, *things: Function | Structure | TableType) -> None:
        """Take descriptions in; one of the same name is replaced."""
        for thing in things:
            if isinstance(thing, Function):
                self.functions[thing.name] = thing
            elif isinstance(thing, Structure):
                self.structures[thing.name] = thing
            else:
                self.table_types[thing.name] = thing

    def row(self, name: str) -> Structure:
        """The structure of that name, or the one of the rows of the table type of that name.

        Raises:
            KeyError: there is none.
        """
        kind = self.table_types.get(name)
        return self.structures[name if kind is None else kind.row]

    def missing(self) -> Iterable[str]:
        """The types that are used but not described."""
        for function in self.functions.values():
            for parameter in function.parameters:
                if isinstance(parameter.type, str):
                    try:
                        self.row(parameter.type)
                    except KeyError:
                        yield f"{function.name}-{parameter.name}: {parameter.type}"
