"""Channels chosen by an expression: ``area == "CA1" and depth > 1200``.

It is read by Python's own parser, of which only comparisons of columns with numbers and texts are
taken, joined by ``and``, ``or`` and ``not``. Nothing of it is executed.
"""

import ast
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from lfpscope.typing import Array, Mask

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
EXAMPLE = 'area == "CA1" and depth > 1200'
MAX_LENGTH = 300  # characters


def find_channels(text: str, columns: Mapping[str, Array], n_channels: int) -> Mask:
    """Find the channels for which an expression is true.

    Parameters
    ----------
    text : str
        The expression.
    columns : mapping of ndarray, shape (n_channels,)
        By name: numbers or texts.
    n_channels : int
        How many there are.

    Returns
    -------
    ndarray of bool, shape (n_channels,)
        False where a number that is compared is NaN.

    Raises
    ------
    ValueError
        If it is no such expression, or names another column, in a line.
    """
    return np.broadcast_to(_evaluate(_parse(text), columns), (n_channels,)).astype(np.bool_)


def check_expression(text: str) -> str:
    """Return an expression, if it can be read.

    Raises
    ------
    ValueError
        If it cannot, in a line.
    """
    _parse(text)
    return text.strip()


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{len(text)} characters (expected {MAX_LENGTH} at most)")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{text!r} (expected an expression as {EXAMPLE})") from None
    _check(body)
    return body


def _check(node: ast.expr) -> None:
    """Refuse all but comparisons joined by and, or, not."""
    match node:
        case ast.BoolOp(values=values):
            for one in values:
                _check(one)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _check(operand)
        case ast.Compare(left=left, ops=ops, comparators=others):
            for op, other in zip(ops, others, strict=True):
                if isinstance(op, ast.In | ast.NotIn):
                    _members(other)
                elif type(op) in COMPARISONS:
                    _operand(other)
                else:
                    raise ValueError(f"{ast.unparse(node)!r} (expected == != < <= > >= or in)")
            _operand(left)
        case _:
            raise ValueError(f"{ast.unparse(node)!r} (expected a comparison, as {EXAMPLE})")


def _operand(node: ast.expr) -> str | float | None:
    """A number or a text; None of a column."""
    match node:
        case ast.Name():
            return None
        case ast.Constant(value=str() | int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    raise ValueError(f"{ast.unparse(node)!r} (expected a column, a number or a text in quotes)")


def _members(node: ast.expr) -> list[str | float]:
    """Numbers and texts of a list."""
    values = (
        [_operand(one) for one in node.elts] if isinstance(node, ast.List | ast.Tuple) else [None]
    )
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        raise ValueError(f'{ast.unparse(node)!r} (expected a list, as in ["CA1", "DG"])')
    return known


def _evaluate(node: ast.expr, columns: Mapping[str, Array]) -> Mask:
    match node:
        case ast.BoolOp(op=op, values=values):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return reduce(join, [_evaluate(one, columns) for one in values])
        case ast.UnaryOp(operand=operand):
            return ~_evaluate(operand, columns)
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [left, *others]
            found = [
                _compare(op, one, other, columns)
                for op, one, other in zip(ops, sides[:-1], sides[1:], strict=True)
            ]
            return reduce(np.logical_and, found)
    raise AssertionError(node)  # `_check` has refused it


def _compare(op: ast.cmpop, left: ast.expr, right: ast.expr, columns: Mapping[str, Array]) -> Mask:
    one = _value(left, columns)
    if isinstance(op, ast.In | ast.NotIn):
        found = np.zeros(np.shape(one), np.bool_)
        for member in _members(right):
            found = found | (np.equal(one, member) if _is_text(one) == _is_text(member) else False)
        return found ^ isinstance(op, ast.NotIn)
    other = _value(right, columns)
    if _is_text(one) != _is_text(other):
        words = f"{ast.unparse(left)} and {ast.unparse(right)}"
        raise ValueError(f"{words} cannot be compared: a text and a number")
    known = ~(_is_missing(one) | _is_missing(other))
    return np.asarray(COMPARISONS[type(op)](one, other) & known, np.bool_)


def _value(node: ast.expr, columns: Mapping[str, Array]) -> Array:
    value = _operand(node)
    if value is not None:
        return np.asarray(value)
    name = ast.unparse(node)
    if name not in columns:
        raise ValueError(f"no column {name!r} (there are {', '.join(sorted(columns))})")
    column = np.asarray(columns[name])
    return column.astype(str) if column.dtype.kind in "OSU" else column


def _is_text(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "SU"


def _is_missing(value: Array) -> Mask:
    return np.isnan(value) if value.dtype.kind == "f" else np.zeros(value.shape, np.bool_)
