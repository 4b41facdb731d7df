"""Many small cases in one test: each is checked, and those that fail are told together."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pytest


def every_case(
    names: str | Iterable[str], rows: Iterable[Any], *, ids: Callable[[Any], str] | Iterable[str] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call a test with every row of arguments; written like ``pytest.mark.parametrize``, for cases that take no time.

    Cases share the test's fixtures; what one of them patches is undone after it. Where some fail, an exception group
    holds the failure of each, with its arguments.
    """
    listed = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    cases = [dict(zip(listed, row if len(listed) > 1 else (row,), strict=True)) for row in rows]
    assert cases, "no case would be checked"
    called = [_called(case, ids) for case in cases] if ids is None or callable(ids) else [*ids]

    def made(test: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(test)
        assert set(listed) <= signature.parameters.keys(), f"{test.__name__} has no argument {listed}"

        @wraps(test)
        def all_of_them(**fixtures: Any) -> None:
            failed: list[Exception] = []
            for case, name in zip(cases, called, strict=True):
                patch = fixtures.get("monkeypatch", pytest.MonkeyPatch())
                with patch.context() as patched:
                    given = fixtures | ({"monkeypatch": patched} if "monkeypatch" in fixtures else {})
                    try:
                        test(**given, **case)
                    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - each failure is told, whatever it is
                        failure = error if isinstance(error, Exception) else AssertionError(str(error))
                        failure.add_note(f"case: {name}")
                        failed.append(failure)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(cases)} cases failed", failed)

        left = [parameter for name, parameter in signature.parameters.items() if name not in listed]
        all_of_them.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        del all_of_them.__wrapped__  # type: ignore[attr-defined] - pytest would look there for fixtures
        return all_of_them

    return made


def _called(case: dict[str, Any], ids: Callable[[Any], str] | None) -> str:
    return ", ".join(f"{name} = {ids(value) if ids else repr(value)}" for name, value in case.items())
