"""A small part of Python as LLVM code: loops over numbers and contiguous arrays, nothing else.

Statements: assignment to names and elements, ``for`` over ``range`` with a constant step, ``while``, ``if``,
``continue``, ``return``. Expressions: arithmetic, comparison of two values, ``and``, ``or``, ``not``, choice
between numbers by ``if``, ``abs``, ``len``, ``x.size``, ``np.sqrt``, casts such as ``float(x)``, constants of
the module, calls of other such functions. ``x[i]`` of a matrix is a row, ``x[i:]`` and ``x[i:j]`` are views,
``x[i, j]`` is an element.

Types are numpy's: literals take the type of what they meet. Four things are not Python's: a name keeps the
type of its first value, indices must not be negative, ``//`` wants positive numbers, and nothing is checked.
Arrays passed to a function must not overlap unless they are only read.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from .llvm_expressions import DECLARATIONS, Call, Expressions
from .llvm_types import RANK, Array, Scalar, Type, Value, parameters, stored, type_of

PARTS: dict[Callable[..., Any], bool] = {}


class Lowering(Expressions):
    """Writes the statements of one function for given types of arguments."""

    def __init__(self, function: Callable[..., Any], reorder: bool, call: Call) -> None:
        super().__init__(function.__globals__, reorder, call)
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        if not isinstance(tree, ast.FunctionDef):
            raise TypeError(f"{function!r} is not a function")
        self.tree = tree
        self.result = "void"
        self.continuing: list[str] = []

    def define(self, name: str, types: Sequence[Type], attributes: str) -> str:
        """The whole function as LLVM text."""
        values, header = parameters(types)
        for argument, value in zip(self.tree.args.args, values, strict=True):
            self.assign(argument.arg, value)
        self.block(self.tree.body)
        self.emit("ret void" if self.result == "void" else "unreachable")
        body = "\n".join(["entry:", *self.slots, *self.lines])
        return f"define {attributes} {self.result} @{name}({header}) alwaysinline {{\n{body}\n}}"

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """One statement after the other."""
        for node in statements:
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        """One statement."""
        match node:
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Expr(value=ast.Call()):
                self.value(node.value)
            case ast.Assign():
                for target in node.targets:
                    self._assign(target, node.value)
            case ast.AugAssign():
                old = ast.parse(ast.unparse(node.target), mode="eval").body
                new = self.arithmetic(type(node.op), self.scalar(old), self.scalar(node.value))
                self.store(node.target, new)
            case ast.Return():
                self._return(node)
            case ast.Continue():
                self.emit(f"br label %{self.continuing[-1]}")
                self.start(self.label())
            case ast.If():
                self._if(node)
            case ast.While():
                self._while(node)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds)):
                self._for(name, bounds, node.body)
            case _:
                raise TypeError(f"'{ast.unparse(node)}' has no translation")

    def _assign(self, target: ast.expr, node: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(node, ast.Tuple):
            values = [self.value(item) for item in node.elts]
            for item, value in zip(target.elts, values, strict=True):
                self.store(item, value)
        else:
            self.store(target, self.value(node))

    def store(self, target: ast.expr, value: Value) -> None:
        """Give a name or an element a value."""
        if isinstance(target, ast.Name):
            self.assign(target.id, value)
        elif isinstance(target, ast.Subscript) and isinstance(value, Scalar):
            element = self.element(target)
            memory = stored(element.type)
            text = self.cast(Scalar(element.type, self.cast(value, element.type)), memory)
            self.emit(f"store {memory} {text}, ptr {element.pointer}")
        else:
            raise TypeError(f"nothing can be assigned to '{ast.unparse(target)}'")

    def assign(self, name: str, value: Value) -> None:
        """Give a name a value of the type that it had first."""
        slots = self.names.get(name)
        if isinstance(value, Scalar):
            slots = slots or Scalar(value.type, self.slot(value.type))
            wider = not value.literal and RANK.index(value.type) > RANK.index(slots.type)
            if isinstance(slots, Array) or wider:
                raise TypeError(f"'{name}' of {self.tree.name} changes its type to {value.type}")
            self.emit(f"store {slots.type} {self.cast(value, slots.type)}, ptr {slots.text}")
        else:
            slots = slots or Array(value.type, self.slot("ptr"), tuple(self.slot("i64") for _ in value.sizes))
            if isinstance(slots, Scalar) or type_of(slots) != type_of(value):
                raise TypeError(f"'{name}' of {self.tree.name} changes its type to an array of {value.type}")
            self.emit(f"store ptr {value.pointer}, ptr {slots.pointer}")
            for size, slot in zip(value.sizes, slots.sizes, strict=True):
                self.emit(f"store i64 {size}, ptr {slot}")
        self.names[name] = slots

    def _return(self, node: ast.Return) -> None:
        if node.value is None:
            self.emit("ret void")
        else:
            value = self.scalar(node.value)
            if self.result == "void":
                self.result = value.type
            self.emit(f"ret {self.result} {self.cast(value, self.result)}")
        self.start(self.label())

    def _if(self, node: ast.If) -> None:
        then, other, done = self.label(), self.label(), self.label()
        self.emit(f"br i1 {self.truth(node.test)}, label %{then}, label %{other}")
        for label, body in ((then, node.body), (other, node.orelse)):
            self.start(label)
            self.block(body)
            self.emit(f"br label %{done}")
        self.start(done)

    def _while(self, node: ast.While) -> None:
        test, body, done = self.label(), self.label(), self.label()
        self.emit(f"br label %{test}")
        self.start(test)
        self.emit(f"br i1 {self.truth(node.test)}, label %{body}, label %{done}")
        self.start(body)
        self.continuing.append(test)
        self.block(node.body)
        self.continuing.pop()
        self.emit(f"br label %{test}")
        self.start(done)

    def _for(self, name: str, bounds: Sequence[ast.expr], statements: Sequence[ast.stmt]) -> None:
        ends = [self.integer(bound) for bound in bounds[:2]]
        first, stop = ends if len(ends) == 2 else ("0", ends[0])
        step = ast.literal_eval(bounds[2]) if len(bounds) > 2 else 1
        test, body, onward, done = self.label(), self.label(), self.label(), self.label()
        counter = self.slot("i64")
        self.emit(f"store i64 {first}, ptr {counter}")
        self.emit(f"br label %{test}")
        self.start(test)
        at = self.new(f"load i64, ptr {counter}")
        inside = self.new(f"icmp {'slt' if step > 0 else 'sgt'} i64 {at}, {stop}")
        self.emit(f"br i1 {inside}, label %{body}, label %{done}")
        self.start(body)
        self.assign(name, Scalar("i64", at))
        self.continuing.append(onward)
        self.block(statements)
        self.continuing.pop()
        self.emit(f"br label %{onward}")
        self.start(onward)
        self.emit(f"store i64 {self.new(f'add nsw i64 {at}, {step}')}, ptr {counter}")
        self.emit(f"br label %{test}")
        self.start(done)


class Program:
    """A function that is called from outside, and the functions that it calls."""

    def __init__(self, function: Callable[..., Any], reorder: bool, types: Sequence[Type]) -> None:
        self.texts: list[str] = list(DECLARATIONS)
        self.results: dict[str, str] = {}
        self.result = self._add(function, reorder, "entry", types, "")

    def _add(
        self, function: Callable[..., Any], reorder: bool, name: str, types: Sequence[Type], attributes: str
    ) -> str:
        lowering = Lowering(function, reorder, self._call)
        self.texts.append(lowering.define(name, types, attributes))
        return lowering.result

    def _call(self, function: Callable[..., Any], arguments: list[Value], caller: Expressions) -> Scalar:
        """The call of a part, which is lowered once for each use's types."""
        if function not in PARTS:
            raise TypeError(f"{function!r} cannot be called in a compiled function")
        types = [type_of(argument) for argument in arguments]
        name = "_".join([function.__name__, *(f"{type_}{dimensions}" for type_, dimensions in types)])
        if name not in self.results:
            self.results[name] = self._add(function, PARTS[function], name, types, "internal")
        texts = []
        for argument in arguments:
            if isinstance(argument, Array):
                texts += [f"ptr {argument.pointer}", *(f"i64 {size}" for size in argument.sizes)]
            else:
                texts.append(f"{argument.type} {caller.cast(argument, argument.type)}")
        call = f"call {self.results[name]} @{name}({', '.join(texts)})"
        if self.results[name] == "void":
            caller.emit(call)
            return Scalar("void", "")
        return Scalar(self.results[name], caller.new(call))
