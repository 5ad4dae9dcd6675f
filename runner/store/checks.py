"""What a JSON value may be: checks that tell of any value, however foreign, whether it is one that the store writes."""

from collections.abc import Callable
from typing import Any


def is_text(value: Any) -> bool:
    """Tell whether the value is a text."""
    return isinstance(value, str)


def is_whole(value: Any) -> bool:
    """Tell whether the value is a whole number from 0 that 64 bits hold."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def is_number(value: Any) -> bool:
    """Tell whether the value is a number that a float holds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e308 < value < 1e308


def is_list_of_dicts(value: Any) -> bool:
    """Tell whether the value is a list of objects."""
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def is_dict_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a check for an object whose values all pass `check`."""
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def is_list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a check for a list whose members all pass `check`."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def has(**checks: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a check for an object that has these keys, with values that pass."""
    return lambda value: (
        isinstance(value, dict) and all(key in value and check(value[key]) for key, check in checks.items())
    )


def is_net(value: Any) -> bool:
    """Tell whether the value describes a net as `runner.training.described` does; sizes may be left out with None."""

    def is_size(size: Any) -> bool:
        return size is None or is_whole(size)

    layer = has(name=is_text, kind=is_text, arguments=is_text, shape=is_text, parameters=is_size)
    net = has(layers=is_list_of(layer), parameters=is_size, optimizers=is_list_of(is_text), batch_size=is_whole)
    return net(value)
