# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP 1.1 envelopes of SAPControl: bytes to values, values to bytes.

Document/literal in ``urn:SAPControl`` with unqualified children: only the operation element is in the namespace.
Pure functions; hostile or broken XML is refused with `Malformed`, sizes and depth are bounded.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union
from xml.parsers import expat

from ansible_collections.basis.landscape.plugins.module_utils._errors import BadInput
from ansible_collections.basis.landscape.plugins.module_utils._sapcontrol.functions import (
    BOOL,
    FUNCTIONS,
    INT,
    LIST,
    OPTION,
    START_STOP_OPTIONS,
)

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SAPCONTROL = "urn:SAPControl"
XSI_NIL = "http://www.w3.org/2001/XMLSchema-instance nil"
MAX_DEPTH = 32
MAX_ELEMENTS = 2_000_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_INT = re.compile(r"[+-]?[0-9]{1,19}\Z")

Scalar = Union[str, int, bool]
Parameter = Union[Scalar, List[str], None]


class Malformed(ValueError):
    """Bytes that are no SOAP answer of SAPControl."""


class Fault(NamedTuple):
    """A SOAP fault: ``code`` (``SOAP-ENV:Server``) and ``text`` (``DpAttachStartService failed``)."""

    code: str
    text: str


class Node:
    """One XML element: local name, namespace, text, children."""

    __slots__ = ("children", "name", "namespace", "nil", "text")

    def __init__(self, namespace: str, name: str, nil: bool = False) -> None:
        self.namespace = namespace
        self.name = name
        self.nil = nil
        self.text = ""
        self.children: List[Node] = []

    def first(self, name: str) -> Optional[Node]:
        """The first child of that local name."""
        for child in self.children:
            if child.name == name:
                return child
        return None


class Answer:
    """The element inside the body of a good answer."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.name = node.name

    def rows(self, field: str) -> List[Dict[str, Optional[str]]]:
        """The records below ``field``: one mapping for each ``item``; an absent or empty array is no rows.

        :raises Malformed: when the field holds something other than items.
        """
        return [{child.name: _text(child) for child in item.children} for item in self._items(field)]

    def texts(self, field: str) -> List[str]:
        """The plain texts of the items below ``field``."""
        return [item.text for item in self._items(field)]

    def text(self, field: str) -> Optional[str]:
        """The text of one field, None when it is absent or nil."""
        node = self._node.first(field)
        return None if node is None else _text(node)

    def values(self) -> Dict[str, Any]:
        """The whole answer as plain data: lists for arrays, mappings for structures, texts for the rest."""
        function = _function_of(self.name)
        data = _plain(self._node)
        result: Dict[str, Any] = data if isinstance(data, dict) else {}
        known = FUNCTIONS.get(function)
        if known is not None and known.rows is not None and not isinstance(result.get(known.rows), list):
            result[known.rows] = []
        return result

    def _items(self, field: str) -> List[Node]:
        node = self._node.first(field)
        if node is None or node.nil:
            return []
        if any(child.name != "item" for child in node.children) or (node.text.strip() and not node.children):
            raise Malformed(f"the field {field} of {self.name} holds no items")
        return node.children


def encode(function: str, parameters: Mapping[str, Parameter]) -> bytes:
    """The request envelope for a function.

    Parameters of known functions are sorted into the WSDL's order and checked; those of others keep their order.

    :raises BadInput: an unknown, missing or wrongly typed parameter, all of them at once; or no function name.
    """
    if not _NAME.match(function):
        raise BadInput("build a request", f"{function!r} is no name of a function")
    body = "".join(_element(name, value) for name, value in _arranged(function, parameters))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" xmlns:SAPControl="{SAPCONTROL}"><SOAP-ENV:Body>'
        f"<SAPControl:{function}>{body}</SAPControl:{function}></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


def decode(data: bytes, function: str) -> Union[Answer, Fault]:
    """The answer to ``function``, or the fault that came instead.

    :raises Malformed: no XML, a document type (entities), too deep, no envelope, the answer to another question.
    """
    root = parse(data)
    if (root.namespace, root.name) != (SOAP, "Envelope"):
        raise Malformed(f"the answer is <{root.name}>, no SOAP envelope")
    body = next((child for child in root.children if (child.namespace, child.name) == (SOAP, "Body")), None)
    if body is None or len(body.children) != 1:
        raise Malformed("the envelope has no body with exactly one element")
    node = body.children[0]
    if (node.namespace, node.name) == (SOAP, "Fault"):
        code, text = node.first("faultcode"), node.first("faultstring")
        return Fault((code.text if code else "").strip(), (text.text if text else "").strip())
    known = FUNCTIONS.get(function)
    wanted = (known.answer if known else None) or f"{function}Response"
    if node.namespace != SAPCONTROL or node.name != wanted:
        raise Malformed(f"the answer is <{node.name}> in {node.namespace or 'no namespace'}, not <{wanted}>")
    return Answer(node)


def parse(data: bytes) -> Node:
    """XML bytes as a tree.

    :raises Malformed: not well-formed, with a document type, or beyond the bounds.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    stack: List[Node] = []
    roots: List[Node] = []
    count = 0

    def start(tag: str, attributes: Dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) >= MAX_DEPTH or count > MAX_ELEMENTS:
            raise Malformed("the answer is nested too deeply or has too many elements")
        namespace, _blank, name = tag.rpartition(" ")
        node = Node(namespace, name, attributes.get(XSI_NIL) in ("true", "1"))
        (stack[-1].children if stack else roots).append(node)
        stack.append(node)

    def end(_tag: str) -> None:
        stack.pop()

    def text(piece: str) -> None:
        if stack:
            stack[-1].text += piece

    def no_doctype(*_parts: Any) -> None:
        raise Malformed("the answer declares a document type, which SOAP forbids")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = no_doctype
    parser.EntityDeclHandler = no_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Malformed(f"the answer is no well-formed XML: {error}") from error
    except (UnicodeDecodeError, LookupError, ValueError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"the answer cannot be decoded: {error}") from error
    return roots[0]


def integer(value: Optional[str], field: str) -> int:
    """A number as the peer wrote it.

    :raises Malformed: for anything but an optional sign and up to 19 digits.
    """
    text = (value or "").strip()
    if not _INT.match(text):
        raise Malformed(f"the field {field} holds {value!r}, not a number")
    return int(text)


def boolean(value: Optional[str], field: str) -> bool:
    """An XML schema boolean; TRUE and FALSE in capitals are understood as well.

    :raises Malformed: for anything else.
    """
    text = (value or "").strip().lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise Malformed(f"the field {field} holds {value!r}, not true or false")


def _arranged(function: str, parameters: Mapping[str, Parameter]) -> List[Tuple[str, Parameter]]:
    known = FUNCTIONS.get(function)
    arranged: List[Tuple[str, Parameter]]
    if known is None:
        defects = [f"{name!r} is no name of a parameter" for name in parameters if not _NAME.match(name)]
        arranged = [(name, value) for name, value in parameters.items() if value is not None]
    else:
        names = [name for name, _type in known.parameters]
        defects = [f"it has no parameter {name}" for name in parameters if name not in names]
        arranged = []
        for name, type_ in known.parameters:
            value = parameters.get(name)
            if value is None:
                if type_ in (INT, BOOL, OPTION):
                    defects.append(f"the parameter {name} ({type_}) is missing")
                continue
            try:
                arranged.append((name, _typed(value, type_)))
            except ValueError as error:
                defects.append(f"the parameter {name} {error}")
    if defects:
        raise BadInput(f"call {function}", "; ".join(defects), function=function)
    return arranged


def _typed(value: Parameter, type_: str) -> Parameter:
    if type_ == INT:
        if isinstance(value, bool) or not isinstance(value, (int, str)) or not _INT.match(str(value).strip()):
            raise ValueError(f"must be a whole number, not {value!r}")
        return int(value)
    if type_ == BOOL:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no", "1", "0"):
            return value.lower() in ("true", "yes", "1")
        if value in (0, 1):
            return bool(value)
        raise ValueError(f"must be true or false, not {value!r}")
    if type_ == OPTION:
        if value not in START_STOP_OPTIONS:
            raise ValueError(f"must be one of {', '.join(START_STOP_OPTIONS)}, not {value!r}")
        return value
    if type_ == LIST:
        if not isinstance(value, list):
            raise ValueError(f"must be a list, not {value!r}")
        return value
    if isinstance(value, (list, dict)):
        raise ValueError(f"must be a text, not {value!r}")
    return value


def _element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inner = "".join(_element(str(key), item) for key, item in value.items() if item is not None)
    elif isinstance(value, (list, tuple)):
        inner = "".join(_element("item", item) for item in value)
    else:
        inner = _escaped(name, value)
    if not _NAME.match(name):
        raise BadInput("build a request", f"{name!r} is no name of a parameter")
    return f"<{name}>{inner}</{name}>"


def _escaped(name: str, value: Any) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if not all(map(_carried, text)):
        raise BadInput("build a request", f"the parameter {name} holds a character that XML cannot carry")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _carried(character: str) -> bool:
    """Whether XML 1.0 can carry the character."""
    return (
        " " <= character <= "\ud7ff"
        or character in "\t\n\r"
        or "\ue000" <= character <= "\ufffd"
        or character >= "\U00010000"
    )


def _text(node: Node) -> Optional[str]:
    return None if node.nil else node.text


def _plain(node: Node) -> Any:
    if not node.children:
        return _text(node)
    if all(child.name == "item" for child in node.children):
        return [_plain(child) for child in node.children]
    data: Dict[str, Any] = {}
    for child in node.children:
        value = _plain(child)
        if child.name in data:
            if not isinstance(data[child.name], list):
                data[child.name] = [data[child.name]]
            data[child.name].append(value)
        else:
            data[child.name] = value
    return data


def _function_of(element: str) -> str:
    for function, known in FUNCTIONS.items():
        if known.answer == element:
            return function
    return element[: -len("Response")] if element.endswith("Response") else element


__all__ = ("Answer", "Fault", "Malformed", "Node", "boolean", "decode", "encode", "integer", "parse")
