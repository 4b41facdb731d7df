"""What a component that is not ours refers to, as one hash: two classes with equal hashes compute the same.

The text of a class does not say what it does: a closure, a constant of its module, a helper function, a base class
or a default may change while the text stays. So the class is followed as Python would follow it: through its members
and bases to the compiled code of every function, and from there through the names that the code uses to whatever
they mean now, in the author's own modules and notebooks. What belongs to Python or to an installed package counts by
its name (and release), as it does for our own components. What no value can stand for (an open file, a generator, a
call that reads the clock or a file) is named, so that nobody takes such runs for equal.
"""

from __future__ import annotations

import copyreg
import dataclasses
import dis
import enum
import functools
import hashlib
import importlib
import importlib.util
import io
import pathlib
import pickle
import random
import re
import sys
import sysconfig
import types
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = "workbench"
BY_NAME = frozenset({"numpy", "scipy", "pandas"})
"""Packages whose release is no part of an identity, as it is none for our own components."""
UNSAID = frozenset(
    {
        *("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__annotations__", "__firstlineno__"),
        *("__static_attributes__", "__abstractmethods__", "_abc_impl", "__parameters__", "__orig_bases__"),
        *("__annotate__", "__annotate_func__", "__annotations_cache__", "__conditional_annotations__"),
        *("packaged", "offered_by"),
    }
)
"""Members of a class that say where it stands or how it is described, not what it does."""
LINE = "__firstlineno__"
GLOBALS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
CELLS = frozenset({"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"})
ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
SILENT = frozenset({"EXTENDED_ARG", "CACHE", "NOP", "PUSH_NULL", "RESUME"})
OUTSIDE = re.compile(
    r"""builtins\.(open|exec|eval|compile|input|globals|__import__|breakpoint)
    | (random|secrets|uuid|time|os|posixpath|io|_io|pathlib|socket|ssl|subprocess|urllib|http|shelve|dbm|sqlite3
      |tempfile|glob|fileinput|importlib|pkgutil|threading|_thread|multiprocessing|concurrent|asyncio|ctypes|mmap|gc|inspect|pickle
      |platform|getpass|signal|select|runpy|code|requests|httpx|urllib3)(\..*)?
    | sys(\.(?!float_info|maxsize|byteorder|version_info|hash_info|int_info).*)?
    | datetime\.(datetime|date)\.(now|today|utcnow)
    | numpy\.(random(\..*)?|load|loadtxt|genfromtxt|fromfile|fromregex|memmap)
    | numpy\.(lib\.)?_?npyio.* | scipy\.io(\..*)? | pandas(\..*)?\.(read_\w+)""",
    re.VERBOSE,
)
"""What code may call that depends on more than its arguments: files, clocks, chance, other processes, text as code."""
PLAIN: tuple[Any, ...] = (object, list, tuple, set, frozenset, dict, str, int, float, bytes)
BEHIND = frozenset({"__globals__", "__builtins__", "__closure__", "__code__", "__subclasses__", "f_globals", "f_back"})
"""Attributes through which code reaches what its names do not say."""
Descriptor = (
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)
Contents = tuple[Any, ...]
"""What a name stands for: one thing, or nothing yet."""
Hidden = (
    *(random.Random, np.random.Generator, np.random.RandomState, np.random.BitGenerator, np.random.SeedSequence),
    *(io.IOBase, pathlib.Path, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.FrameType),
    *(types.TracebackType, memoryview),
)
"""What has more behind it than its value."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a class refers to.

    Attributes
    ----------
    sha256 : str
        Over everything that could be followed.
    unknown : tuple of str
        What could not, in words; where there is any, equal hashes prove nothing.
    """

    sha256: str
    unknown: tuple[str, ...] = ()


def identify(cls: type) -> Identity:
    """Return the identity of a class as it is now."""
    walk = _Walk(_roots(cls.__module__))
    try:
        walk.owned(cls)
    except Exception as error:  # noqa: BLE001 - whatever cannot be followed is not known, and that is said
        walk.unidentified(f"something that cannot be followed ({type(error).__name__})")
    return Identity(walk.digest.hexdigest(), tuple(dict.fromkeys(walk.unknown)))


class _Walk:
    """One pass over everything that a class refers to; mutable things are met once and then counted by number."""

    def __init__(self, roots: frozenset[str], seen: dict[int, tuple[int, Any]] | None = None) -> None:
        self.digest = hashlib.sha256()
        self.unknown: list[str] = []
        self._roots = roots
        self._seen = {} if seen is None else seen
        self._place: list[str] = []
        self._name = ""

    def unidentified(self, what: str) -> None:
        """Note something that no value can stand for."""
        self.unknown.append(f"{what}, in {self._place[-1]}" if self._place else what)

    def _say(self, *parts: object) -> None:
        content = repr(parts).encode()
        self.digest.update(len(content).to_bytes(8, "little") + content)

    @contextmanager
    def _in(self, place: str) -> Iterator[None]:
        self._place.append(place)
        yield
        self._place.pop()

    def _again(self, value: Any) -> bool:
        """Whether a thing was met before; says which one it was."""
        if id(value) in self._seen:
            self._say("again", self._seen[id(value)][0])
            return True
        self._seen[id(value)] = len(self._seen), value  # the value is kept, so that its id is not given away
        return False

    def _named(self, name: str, value: Any) -> None:
        before, self._name = self._name, name
        self.value(value)
        self._name = before

    # Values

    def value(self, value: Any) -> None:
        """Say what a value is."""
        kind = type(value)
        if value is None or kind in (bool, int, str, bytes) or value in _singletons(kind):
            self._say(kind.__name__, value)
        elif kind in (float, complex):
            parts = (value,) if kind is float else (value.real, value.imag)
            self._say(kind.__name__, *(part.hex() for part in parts))
        elif kind is tuple:
            self._sequence(value)
        elif kind is frozenset:
            self._unordered(value)
        elif isinstance(value, types.CodeType):
            self._code(value, {}, {})
        elif self._by_name(value) or self._again(value):
            return
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, types.ModuleType):
            self._module(value)
        elif isinstance(value, Hidden):
            self.unidentified(f"{self._name or 'a value'} ({kind.__name__})")
        elif isinstance(value, np.ndarray):
            self._array(value)
        elif isinstance(value, np.generic | np.dtype):
            self._say(kind.__name__, str(value.dtype) if isinstance(value, np.generic) else "", _exact(value))
        elif kind in (list, dict, set, bytearray, types.MappingProxyType):
            self._container(value)
        elif not self._callable(value):
            self._instance(value)

    def _sequence(self, values: Sequence[Any]) -> None:
        self._say(type(values).__name__, len(values))
        for value in values:
            self.value(value)

    def _mapping(self, values: Mapping[Any, Any]) -> None:
        self._say("mapping", len(values))
        for key, value in values.items():
            self.value(key)
            self._named(key if isinstance(key, str) else self._name, value)

    def _unordered(self, values: Iterable[Any]) -> None:
        parts = []
        for value in values:
            part = _Walk(self._roots, dict(self._seen))
            part._place, part._name = self._place, self._name
            part.value(value)
            self.unknown += part.unknown
            parts.append(part.digest.hexdigest())
        self._say("set", sorted(parts))

    def _container(self, value: Any) -> None:
        if isinstance(value, list):
            self._sequence(value)
        elif isinstance(value, set | frozenset):
            self._unordered(value)
        elif isinstance(value, bytearray):
            self._say("bytearray", bytes(value))
        else:
            self._mapping(value)

    def _array(self, value: np.ndarray[Any, Any]) -> None:
        order = value.flags.c_contiguous, value.flags.f_contiguous
        self._say("array", value.dtype.descr if value.dtype.names else value.dtype.str, value.shape, order)
        if type(value) is not np.ndarray:
            self._reduced(value)
        elif value.dtype.hasobject:
            self._sequence(value.ravel().tolist())
        else:
            self._say(hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest())

    def _callable(self, value: Any) -> bool:
        """Say what a function or something around functions is; False for anything else."""
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, classmethod | staticmethod):
            self._sequence((type(value).__name__, value.__func__))
        elif isinstance(value, types.MethodType):
            self._sequence(("method", value.__func__, value.__self__))
        elif isinstance(value, types.BuiltinMethodType | types.MethodWrapperType):
            self._say("builtin", value.__name__)
            self._built_in(value.__self__)
        elif isinstance(value, property):
            self._sequence(("property", value.fget, value.fset, value.fdel))
        elif isinstance(value, functools.partial | functools.partialmethod):
            self._sequence(("partial", value.func, value.args, dict(value.keywords), dict(vars(value))))
        elif isinstance(value, functools.cached_property):
            self._sequence(("cached", value.func, value.attrname))
        elif isinstance(value, functools.singledispatchmethod):
            self._sequence(("dispatch", value.func, value.dispatcher))
        elif isinstance(value, functools._lru_cache_wrapper):
            self._sequence(("cache", value.__wrapped__, value.cache_parameters()))
        elif isinstance(value, types.CellType):
            self._sequence(("cell", *_content(value)))
        elif isinstance(value, Descriptor):
            self._say("descriptor", value.__objclass__.__qualname__, value.__name__)
        elif isinstance(value, dataclasses.Field):
            kept = ("name", "default", "default_factory", "init", "repr", "hash", "compare", "metadata", "kw_only")
            self._mapping({name: getattr(value, name) for name in kept})
        else:
            return False
        return True

    def _built_in(self, bound: Any) -> None:
        """Say whose method a built-in function is; of the author's own extension module, its file."""
        if not isinstance(bound, types.ModuleType):
            self.value(bound)
        elif file := getattr(bound, "__file__", None):
            self._say("file", hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest())
        else:
            self._say("module", bound.__name__)

    def _instance(self, value: Any) -> None:
        """Say what an object is: its class, and its state."""
        kind = type(value)
        if isinstance(value, enum.Enum):
            self._sequence(("member", kind, value._name_))
        elif not self._is_own(kind.__module__):
            home = vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else {}
            name = next((name for name, known in list(home.items()) if known is value), "")
            if name:  # such as scipy.stats.norm, of which a package has one
                self._outer(f"{kind.__module__}.{name}", value)
            else:
                self._reduced(value)
        else:
            self._sequence(("instance", kind))
            for base in PLAIN:
                if base is not object and isinstance(value, base):
                    self.value(base(value))
            slots = (n for c in kind.__mro__ for n in _listed(vars(c).get("__slots__", ())))
            state = {n: getattr(value, n) for n in slots if n[:2] != "__" and hasattr(value, n)}
            self._mapping(state | dict(getattr(value, "__dict__", {})))
            if any(_hides(base) for base in kind.__mro__ if not self._is_own(base.__module__)):
                self._reduced(value)

    def _reduced(self, value: Any) -> None:
        """Say an object of an installed package as `copy` and `pickle` would keep it."""
        try:
            known = copyreg.dispatch_table.get(type(value))
            kept: Any = value.__reduce_ex__(2) if known is None else known(value)
        except Exception:  # noqa: BLE001 - an object may refuse in any way
            self.unidentified(f"{self._name or 'a value'} ({type(value).__name__})")
            return
        if isinstance(kept, str):
            module = pickle.whichmodule(value, kept)  # type: ignore[attr-defined]
            self._say("named", module, kept)
            if _found(module, kept) is not value:
                self.unidentified(f"{self._name or 'a value'} ({type(value).__name__})")
            return
        made, *rest = kept
        if not self._by_name(made, judged=False):
            self.value(made)
        for part in rest:
            self.value(list(part) if hasattr(part, "__next__") else part)

    # Names

    def _by_name(self, value: Any, *, judged: bool = True) -> bool:
        """Say something of Python, of an installed package or of ours by its name; False where it has none."""
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if isinstance(value, types.ModuleType):
            module, name = str(value.__name__), ""
        elif isinstance(value, np.ufunc) and _found("numpy", getattr(value, "__name__", "")) is value:
            module, name = "numpy", getattr(value, "__name__", "")
        if not isinstance(module, str) or not isinstance(name, str) or self._is_own(module):
            return False
        if name and _found(module, name) is not value:
            return False
        self._outer(f"{module}.{name}" if name else module, value, judged=judged)
        return True

    def _outer(self, path: str, value: Any = None, *, judged: bool = True) -> None:
        root, _, name = path.partition(".")
        if root == OURS:
            mark = [getattr(value, key, None) for key in ("section", "name", "revision")]
            self._say("ours", mark if isinstance(value, type) and any(mark) else name.rpartition(".")[2])
            return
        self._say("named", path, _release(root))
        if judged and OUTSIDE.fullmatch(path):
            self.unidentified(path.removeprefix("builtins."))

    def _is_own(self, module: str) -> bool:
        found = sys.modules.get(module)
        spec = getattr(found, "__spec__", None)
        return _is_own(module, getattr(found, "__file__", None) or getattr(spec, "origin", None), self._roots)

    # Code

    def owned(self, cls: type) -> None:
        """Say what the class itself is, whatever module it stands in."""
        self._again(cls)
        self._class(cls)

    def _class(self, cls: type) -> None:
        with self._in(cls.__name__):
            self._say("class", cls.__name__, len(cls.__bases__))
            for part in (*cls.__bases__, type(cls)):
                self.value(part)
            for name, member in vars(cls).items():
                if name not in UNSAID:
                    self._say("member", name)
                    self._named(name, member)

    def _function(self, function: types.FunctionType) -> None:
        with self._in(function.__qualname__.replace("<locals>.", "")):
            globals_, cells = function.__globals__, function.__closure__ or ()
            if self._is_own(str(globals_.get("__name__", ""))):
                names = zip(function.__code__.co_freevars, map(_content, cells), strict=True)
                self._code(function.__code__, globals_, dict(names))
            else:
                self._say("named", globals_.get("__name__"), function.__qualname__)
                if globals_.get("__name__") == "functools" and hasattr(function, "dispatch"):
                    self._mapping(vars(function)["registry"])  # its cells hold a cache, which grows with use
                    return
            for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
                for content in _content(cell):
                    if not isinstance(content, types.ModuleType):
                        self._named(name, content)
            defaults = {} if function.__kwdefaults__ is None else function.__kwdefaults__
            self._sequence((function.__defaults__, defaults, vars(function)))

    def _code(self, code: types.CodeType, globals_: dict[str, Any], names: Mapping[str, Contents]) -> None:
        """Say what a piece of code does; `names` are those that it has from the functions around it."""
        counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
        steps = [step for step in dis.get_instructions(code) if step.opname not in SILENT]
        placed = LINE in code.co_names
        self._say("code", _without_line(steps) if placed else code.co_code, code.co_exceptiontable, counts)
        self._say(code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        for name in sorted(BEHIND & {*code.co_names}):
            self.unidentified(f"{name}, through which code may reach anything")
        inner = {name: content for name, content in names.items() if name not in code.co_cellvars}
        inner |= self._imports(steps, globals_)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._code(constant, globals_, inner)
            elif not placed or type(constant) is not int:
                self.value(constant)
        self._references(steps, globals_, inner)

    def _references(
        self, steps: Sequence[dis.Instruction], globals_: dict[str, Any], names: Mapping[str, Contents]
    ) -> None:
        """Say what the names mean that the code uses; of a module, only what is taken from it."""
        visited = set()
        for place, step in enumerate(steps):
            found = _meaning(step, globals_, names)
            attributes = []
            for after in steps[place + 1 :]:
                if after.opname not in ATTRIBUTES:
                    break
                attributes.append(after.argval)
            if found is None or (step.argval, *attributes) in visited:
                continue
            visited.add((step.argval, *attributes))
            self._say("uses", step.argval, len(found))
            for value in found:
                if step.opname in GLOBALS or isinstance(value, types.ModuleType):
                    self._taken(step.argval, value, attributes)

    def _imports(self, steps: Sequence[dis.Instruction], globals_: dict[str, Any]) -> dict[str, Contents]:
        """Say what a function imports when it runs; return the modules that it then knows by a name of its own."""
        known: dict[str, Contents] = {}
        for place, step in enumerate(steps):
            if step.opname != "IMPORT_NAME":
                continue
            level, wanted = steps[place - 2].argval, steps[place - 1].argval
            module = _imported(step.argval, level, globals_, self._roots)
            self._say("imports", step.argval, level, module is not None)
            if module is None:
                self._outer(step.argval)
                continue
            for name in wanted or ():
                _imported(f"{module.__name__}.{name}", 0, globals_, self._roots)
                self._taken(name, module, [name])
            if not wanted:  # `import a.b` names a, `import a.b as c` names b
                after = next(later for later in steps[place + 1 :] if later.opname.startswith("STORE"))
                renamed = steps[place + 1] is not after or "." not in step.argval
                root = module.__name__ if renamed else module.__name__.partition(".")[0]
                known[after.argval] = (sys.modules[root],)
        return known

    def _taken(self, name: str, value: Any, attributes: Sequence[str]) -> None:
        """Say what a name means, or what is taken from the module or the package's class that it means."""
        path, left = name, list(attributes)
        while left and isinstance(value, types.ModuleType):
            path = f"{value.__name__}.{left[0]}"
            if not hasattr(value, left[0]):
                self._say("absent", path)
                return
            own, value = self._is_own(value.__name__), getattr(value, left.pop(0))
            if not own and not isinstance(value, types.ModuleType):
                self._outer(".".join([path, *left[: isinstance(value, type)]]), value)
                return
        if left and isinstance(value, type) and not self._is_own(value.__module__):
            self._outer(f"{value.__module__}.{value.__qualname__}.{left[0]}", value)
        else:
            self._named(path, value)

    def _module(self, module: types.ModuleType) -> None:
        """Say everything in one of the author's modules: it is used in a way that does not tell what is taken."""
        self._say("module", module.__name__)
        for name, value in list(vars(module).items()):
            if name[:2] != "__":
                self._say("member", name)
                self._named(f"{module.__name__}.{name}", value)


def _imported(name: str, level: Any, globals_: dict[str, Any], roots: frozenset[str]) -> types.ModuleType | None:
    """Return the module that code imports; one that nobody has imported yet only if it is the author's."""
    try:
        full = importlib.util.resolve_name("." * int(level) + name, globals_.get("__package__") or "")
        if full not in sys.modules:
            spec = importlib.util.find_spec(full)
            if spec is None or not _is_own(full, spec.origin, roots):
                return None
        return importlib.import_module(full)
    except Exception:  # noqa: BLE001 - the module may fail in any way, and what uses it then too
        return None


def _meaning(step: dis.Instruction, globals_: dict[str, Any], names: Mapping[str, Contents]) -> Contents | None:
    """Return what a step of code looks up by name, () where there is no such thing; None if it looks up nothing."""
    if step.opname in GLOBALS:
        if step.argval in globals_:
            return (globals_[step.argval],)
        known = globals_.get("__builtins__", {})
        known = vars(known) if isinstance(known, types.ModuleType) else known
        return (known[step.argval],) if step.argval in known else ()
    if step.opname in CELLS or step.opname.startswith("LOAD_FAST"):
        return names.get(step.argval)
    return None


def _without_line(steps: Sequence[dis.Instruction]) -> list[tuple[str, Any]]:
    """Return the steps of a class's body without the line that Python 3.13 keeps among them."""
    following = (*(step.argval for step in steps[1:]), None)
    return [
        (step.opname, None if after == LINE or isinstance(step.argval, types.CodeType | frozenset) else step.argval)
        for step, after in zip(steps, following, strict=True)
    ]


def _content(cell: types.CellType) -> Contents:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _singletons(kind: type) -> tuple[Any, ...]:
    return (Ellipsis, NotImplemented) if kind in (type(Ellipsis), type(NotImplemented)) else ()


def _exact(value: Any) -> object:
    return value.tobytes() if isinstance(value, np.generic) else repr(value)


def _listed(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _hides(base: type) -> bool:
    """Whether a class of an installed package may hold state that neither its attributes nor its slots show."""
    return base not in PLAIN and not (base.__module__ == OURS or base.__module__.startswith(f"{OURS}."))


def _found(module: str, name: str) -> Any:
    value = sys.modules.get(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    return value


@functools.cache
def _is_own(module: str, file: str | None, roots: frozenset[str]) -> bool:
    """Whether a module is the author's: neither Python's, nor ours, nor of another installed package."""
    root = module.partition(".")[0]
    if module == "__main__":
        return True
    if root == OURS:
        return False
    if root in roots:
        return True
    if file is None or file in ("built-in", "frozen"):
        return root not in sys.stdlib_module_names and root not in sys.builtin_module_names
    path = pathlib.Path(file)
    if _is_installed(path):
        return _release(root) is None
    return not any(path.is_relative_to(home) for home in _homes())


@functools.cache
def _homes() -> tuple[pathlib.Path, ...]:
    known = sysconfig.get_paths()
    return tuple({pathlib.Path(known[key]) for key in ("stdlib", "platstdlib")})


@functools.cache
def _distributions() -> Mapping[str, Sequence[str]]:
    return packages_distributions()


@functools.cache
def _release(root: str) -> str | None:
    """Return the release of an installed package, "" where its name is enough, None where none is known."""
    if root in BY_NAME or root in sys.stdlib_module_names or root == OURS:
        return ""
    try:
        return " ".join(f"{name} {version(name)}" for name in sorted(set(_distributions().get(root, ())))) or None
    except PackageNotFoundError:
        return None


@functools.cache
def _roots(module: str) -> frozenset[str]:
    """Return the top-level modules that are the author's by right: the class's own, and those installed with it."""
    root = module.partition(".")[0]
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not _is_installed(pathlib.Path(file)):
        return frozenset()
    mine = set(_distributions().get(root, ()))
    return frozenset({root, *(other for other, names in _distributions().items() if mine & set(names))})


def _is_installed(file: pathlib.Path) -> bool:
    return bool({"site-packages", "dist-packages"} & set(file.parts))
