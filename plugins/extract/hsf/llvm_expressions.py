"""Expressions of a small part of Python as LLVM code; see :mod:`.lowering` for what that part is."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from .llvm_types import RANK, SCALARS, Array, Scalar, Value, common, constant, real, spelled, stored

FAST = "reassoc nnan nsz contract "
ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("add nsw", "fadd"),
    ast.Sub: ("sub nsw", "fsub"),
    ast.Mult: ("mul nsw", "fmul"),
    ast.Div: ("", "fdiv"),
    ast.FloorDiv: ("sdiv", ""),
    ast.BitAnd: ("and", ""),
    ast.BitOr: ("or", ""),
}
COMPARISON: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("slt", "olt"),
    ast.LtE: ("sle", "ole"),
    ast.Gt: ("sgt", "ogt"),
    ast.GtE: ("sge", "oge"),
    ast.Eq: ("eq", "oeq"),
    ast.NotEq: ("ne", "une"),
}
CASTS: dict[object, str] = {getattr(np, name): type_ for name, type_ in SCALARS.items() if name != "bool"}
CASTS |= {int: "i64", float: "double"}
SUFFIX = {"float": "f32", "double": "f64", "i32": "i32", "i64": "i64"}
Call = Callable[[Callable[..., Any], list[Value], "Expressions"], Value]


class Expressions:
    """Writes the instructions that compute expressions.

    ``names`` holds the stack slots of local names; ``constants`` the names of the function's module; ``call``
    writes the call of another function.
    """

    def __init__(self, constants: dict[str, Any], reorder: bool, call: Call) -> None:
        self.constants, self.call = constants, call
        self.flags = FAST if reorder else ""
        self.names: dict[str, Value] = {}
        self.slots: list[str] = []
        self.lines: list[str] = []
        self.count = 0

    def emit(self, instruction: str) -> None:
        """Write an instruction without a result."""
        self.lines.append("  " + instruction)

    def new(self, instruction: str) -> str:
        """Write an instruction; its result."""
        self.count += 1
        self.emit(f"%v{self.count} = {instruction}")
        return f"%v{self.count}"

    def label(self) -> str:
        """A label to be started later."""
        self.count += 1
        return f"l{self.count}"

    def start(self, label: str) -> None:
        """What follows belongs to the label."""
        self.lines.append(label + ":")

    def slot(self, type_: str) -> str:
        """A place on the stack; LLVM turns all of them into registers."""
        self.count += 1
        self.slots.append(f"  %s{self.count} = alloca {type_}")
        return f"%s{self.count}"

    def cast(self, value: Scalar, type_: str) -> str:
        """The number in another type."""
        old = value.type
        if value.literal:
            return spelled(float(value.text), type_)
        if old == type_:
            return value.text
        if real(old) and real(type_):
            operation = "fpext" if type_ == "double" else "fptrunc"
        elif real(type_):
            operation = "uitofp" if old == "i1" else "sitofp"
        elif real(old):
            operation = "fptosi"
        elif RANK.index(old) > RANK.index(type_):
            operation = "trunc"
        else:
            operation = "zext" if old == "i1" else "sext"
        return self.new(f"{operation} {old} {value.text} to {type_}")

    def value(self, node: ast.expr) -> Value:
        """The value of an expression."""
        match node:
            case ast.Constant():
                return constant(node.value)
            case ast.Name():
                return self._name(node.id)
            case ast.Attribute(value=ast.Name(id=name), attr="size") if name in self.names:
                (size,) = self.array(node.value).sizes
                return Scalar("i64", size)
            case ast.Attribute():
                return constant(self.constant(node))
            case ast.BinOp():
                return self.arithmetic(type(node.op), self.scalar(node.left), self.scalar(node.right))
            case ast.UnaryOp(op=ast.Not()):
                return Scalar("i1", self.new(f"xor i1 {self.truth(node.operand)}, true"))
            case ast.UnaryOp(op=ast.USub()):
                return self._negative(self.scalar(node.operand))
            case ast.Compare(ops=[operator], comparators=[right]):
                return self._comparison(type(operator), self.scalar(node.left), self.scalar(right))
            case ast.BoolOp():
                return self._and_or(node)
            case ast.IfExp():
                return self._choice(self.truth(node.test), self.scalar(node.body), self.scalar(node.orelse))
            case ast.Subscript():
                return self._read(node)
            case ast.Call():
                return self._called(node)
        raise TypeError(f"'{ast.unparse(node)}' has no translation")

    def scalar(self, node: ast.expr) -> Scalar:
        """The value of an expression that is a number."""
        value = self.value(node)
        if isinstance(value, Array):
            raise TypeError(f"'{ast.unparse(node)}' is an array, expected a number")
        return value

    def array(self, node: ast.expr) -> Array:
        """The value of an expression that is an array."""
        value = self.value(node)
        if isinstance(value, Scalar):
            raise TypeError(f"'{ast.unparse(node)}' is a number, expected an array")
        return value

    def integer(self, node: ast.expr) -> str:
        """The value of an index."""
        return self.cast(self.scalar(node), "i64")

    def truth(self, node: ast.expr) -> str:
        """The value of a condition."""
        return self.cast(self.scalar(node), "i1")

    def constant(self, node: ast.expr) -> Any:
        """What a name such as ``np.float64`` means in the function's module."""
        if isinstance(node, ast.Attribute):
            return getattr(self.constant(node.value), node.attr)
        if isinstance(node, ast.Name):
            return self.constants[node.id] if node.id in self.constants else BUILTINS[node.id]
        raise TypeError(f"'{ast.unparse(node)}' has no translation")

    def arithmetic(self, operator: type[ast.operator], a: Scalar, b: Scalar) -> Scalar:
        """The result of an operator."""
        type_ = common(a, b)
        if operator is ast.Div and not real(type_):
            type_ = "double"
        elif type_ == "i1" and operator not in (ast.BitAnd, ast.BitOr):
            type_ = "i64"
        for_integers, for_reals = ARITHMETIC[operator]
        operation = f"{for_reals} {self.flags}" if real(type_) else for_integers
        return Scalar(type_, self.new(f"{operation} {type_} {self.cast(a, type_)}, {self.cast(b, type_)}"))

    def element(self, node: ast.Subscript) -> Array:
        """What a subscript leaves of an array: a view, without sizes if it is one element."""
        array = self.array(node.value)
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        sizes = list(array.sizes)
        offset = "0"
        for place in places:
            size = sizes.pop(0)
            if isinstance(place, ast.Slice):
                first = self.integer(place.lower) if place.lower else "0"
                last = self.integer(place.upper) if place.upper else size
                sizes = [self.new(f"sub nsw i64 {last}, {first}")]
            else:
                first = self.integer(place)
                for inner in sizes:
                    first = self.new(f"mul nsw i64 {first}, {inner}")
            offset = first if offset == "0" else self.new(f"add nsw i64 {offset}, {first}")
        step = f"getelementptr inbounds {stored(array.type)}, ptr {array.pointer}, i64 {offset}"
        return Array(array.type, self.new(step), tuple(sizes))

    def _name(self, name: str) -> Value:
        slots = self.names.get(name)
        if slots is None:
            return constant(self.constants[name])
        if isinstance(slots, Scalar):
            return Scalar(slots.type, self.new(f"load {slots.type}, ptr {slots.text}"))
        sizes = tuple(self.new(f"load i64, ptr {slot}") for slot in slots.sizes)
        return Array(slots.type, self.new(f"load ptr, ptr {slots.pointer}"), sizes)

    def _negative(self, operand: Scalar) -> Scalar:
        if operand.literal:
            return Scalar(
                operand.type, operand.text[1:] if operand.text[0] == "-" else "-" + operand.text, True
            )
        if real(operand.type):
            return Scalar(operand.type, self.new(f"fneg {operand.type} {operand.text}"))
        return Scalar(operand.type, self.new(f"sub nsw {operand.type} 0, {operand.text}"))

    def _comparison(self, operator: type[ast.cmpop], a: Scalar, b: Scalar) -> Scalar:
        type_ = common(a, b)
        of_integers, of_reals = COMPARISON[operator]
        operation = f"fcmp {self.flags}{of_reals}" if real(type_) else f"icmp {of_integers}"
        return Scalar("i1", self.new(f"{operation} {type_} {self.cast(a, type_)}, {self.cast(b, type_)}"))

    def _and_or(self, node: ast.BoolOp) -> Scalar:
        kept, done = self.slot("i1"), self.label()
        for operand in node.values:
            truth, more = self.truth(operand), self.label()
            self.emit(f"store i1 {truth}, ptr {kept}")
            then, other = (more, done) if isinstance(node.op, ast.And) else (done, more)
            self.emit(f"br i1 {truth}, label %{then}, label %{other}")
            self.start(more)
        self.emit(f"br label %{done}")
        self.start(done)
        return Scalar("i1", self.new(f"load i1, ptr {kept}"))

    def _choice(self, truth: str, a: Scalar, b: Scalar) -> Scalar:
        type_ = common(a, b)
        flags = self.flags if real(type_) else ""
        both = f"{type_} {self.cast(a, type_)}, {type_} {self.cast(b, type_)}"
        return Scalar(type_, self.new(f"select {flags}i1 {truth}, {both}"))

    def _read(self, node: ast.Subscript) -> Value:
        view = self.element(node)
        if view.sizes:
            return view
        loaded = self.new(f"load {stored(view.type)}, ptr {view.pointer}")
        return Scalar(view.type, self.cast(Scalar(stored(view.type), loaded), view.type))

    def _called(self, node: ast.Call) -> Value:
        called = self.constant(node.func)
        arguments = [self.value(argument) for argument in node.args]
        match called, arguments:
            case _, [Array() as array] if called is len:
                return Scalar("i64", array.sizes[0])
            case _, [Scalar() as number] if called in CASTS:
                return Scalar(CASTS[called], self.cast(number, CASTS[called]))
            case _, [Scalar() as number] if called in (abs, np.sqrt):
                return self._intrinsic(called, number)
        return self.call(called, arguments, self)

    def _intrinsic(self, called: object, number: Scalar) -> Scalar:
        type_ = number.type if called is abs or real(number.type) else "double"
        text = self.cast(number, type_)
        if called is abs and not real(type_):
            return Scalar(type_, self.new(f"call {type_} @llvm.abs.{SUFFIX[type_]}({type_} {text}, i1 true)"))
        name = "fabs" if called is abs else "sqrt"
        call = f"call {self.flags}{type_} @llvm.{name}.{SUFFIX[type_]}({type_} {text})"
        return Scalar(type_, self.new(call))


BUILTINS: dict[str, object] = {"abs": abs, "float": float, "int": int, "len": len}
DECLARATIONS = (
    *(f"declare {t} @llvm.{name}.{SUFFIX[t]}({t})" for name in ("sqrt", "fabs") for t in ("float", "double")),
    *(f"declare {t} @llvm.abs.{t}({t}, i1)" for t in ("i32", "i64")),
)
