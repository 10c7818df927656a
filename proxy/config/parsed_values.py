"""Options that are parsed into other types: addresses, networks, sizes, durations, switches."""

import math
import re
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from proxy.config.base import QUOTABLE
from proxy.hosts import host_and_port, is_loopback

_SIZE_UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
SIZES = ("B", "KiB", "MiB", "GiB", "TiB")
"Units in texts."
_DURATION_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([A-Za-z]*)")
_FREQUENCY = re.compile(r"([1-9][0-9]{0,8})/([smh])")
_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a listening socket: host and port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return host_and_port(self.host, self.port)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect to it, as with a Unix socket."""
        return self.path is not None or is_loopback(self.host)


def parse_address(value: Any) -> Address:
    """Parses `host:port`, `[v6]:port` or `unix:/path`."""
    if isinstance(value, Address):
        return value
    text = str(value)
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Address(path=Path(text.removeprefix("unix:")))
    found = _HOST_AND_PORT.fullmatch(text)
    if not found or int(found["port"]) > 65535:
        raise ValueError("is not a valid address; write host:port (0.0.0.0:8080 for all), [IPv6]:port or unix:/path")
    return Address(host=found["v6"] or found["host"], port=int(found["port"]))


def _quantity(value: Any, units: dict[str, Any]) -> tuple[float, Any] | None:
    """Returns a number and the value of its unit; None if it is not a number, or the unit is unknown."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return (float(value), 1) if math.isfinite(value) and value >= 0 else None
    found = _QUANTITY.fullmatch(str(value).strip())
    unit = units.get(found[2]) if found else None
    return (float(found[1]), unit) if found and unit is not None else None


def parse_size(value: Any) -> int:
    """Parses `1MiB`, `200KB` or a number into bytes."""
    quantity = _quantity(value.upper() if isinstance(value, str) else value, _SIZE_UNITS)
    if quantity is None:
        raise ValueError("is not a valid size; write a number of bytes, or one like 512KiB, 1MiB, 2GB")
    return int(quantity[0] * quantity[1])


def spelled_size(size: int) -> str:
    """Returns bytes in the largest unit that fits."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(SIZES) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {SIZES[unit]}" if unit else f"{size} {SIZES[0]}"


def parse_duration(value: Any) -> float:
    """Parses `10s`, `5m`, `1h` or a number into seconds."""
    quantity = _quantity(value, _DURATION_UNITS)
    if quantity is None:
        raise ValueError("is not a valid duration; write a number of seconds, or one like 500ms, 10s, 5m, 1h")
    return quantity[0] * float(quantity[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """A number of events in a number of seconds."""

    count: int
    seconds: float

    @property
    def interval(self) -> float:
        """Seconds between two events."""
        return self.seconds / self.count


def parse_frequency(value: Any) -> Frequency:
    """Parses `50/s`, `600/m` or `1000/h`."""
    if isinstance(value, Frequency):
        return value
    found = _FREQUENCY.fullmatch(str(value))
    if found is None:
        raise ValueError(
            "is not a valid rate; write a whole number per second, minute or hour, like 50/s, 600/m, 1000/h"
        )
    return Frequency(count=int(found[1]), seconds=_DURATION_UNITS[found[2]])


def parse_network(value: Any) -> IPv4Network | IPv6Network:
    """Parses CIDR; host bits may be set."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(str(value), strict=False)
    except ValueError:
        raise ValueError("is not a valid network; write CIDR like 10.1.0.0/16 or 2001:db8::/32") from None


def parse_count(value: Any) -> int:
    """Parses a whole number that is not negative."""
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,12}", str(value)):
        raise ValueError("is not a whole number; write one like 100")
    return int(value)


def parse_share(value: Any) -> float:
    """Parses a share from 0 (none) to 1 (all)."""
    quantity = _quantity(value, {"": 1})
    if quantity is None or quantity[0] > 1:
        raise ValueError("is not a valid share; write a number from 0 to 1, like 0.1")
    return quantity[0]


def parse_switch(value: Any) -> bool:
    """Parses a boolean, or the texts `true` and `false`, because `${NAME}` is always text."""
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError("is not a valid switch; write true or false")
    return bool(value == "true")


def off_word(value: Any) -> Any:
    """Restores the word `off`, which YAML reads as a boolean if it is not quoted."""
    return "off" if value is False else value


def _from_folder(path: Path, context: Any) -> Path:
    return Path(context["folder"]) / path if context else path


def _file_path(path: Path, info: ValidationInfo) -> Path:
    if path in {Path(), Path("/")}:
        raise ValueError(
            "does not name a file; write a path (a relative one starts at the configuration file's folder)"
        )
    return _from_folder(path, info.context)


def _socket_path(address: Address, info: ValidationInfo) -> Address:
    return address if address.path is None else replace(address, path=_from_folder(address.path, info.context))


def _written(pattern: str, *others: str) -> WithJsonSchema:
    """Returns the schema of a value that is text in the file and another type in the model."""
    return WithJsonSchema({"type": ["string", *others], "pattern": pattern})


_VARIABLE = r"^.*\$\{.+\}.*$"
Size = Annotated[
    int, BeforeValidator(parse_size), _written(rf"^[0-9.]+\s*([KkMmGg][Ii]?)?[Bb]?$|{_VARIABLE}", "integer"), QUOTABLE
]
Duration = Annotated[
    float, BeforeValidator(parse_duration), _written(rf"^[0-9.]+\s*(ms|[smhd])?$|{_VARIABLE}", "number"), QUOTABLE
]
PerTime = Annotated[
    Frequency, BeforeValidator(parse_frequency), _written(rf"^[1-9][0-9]*/[smh]$|{_VARIABLE}"), QUOTABLE
]
Timeout = Annotated[Duration, Field(gt=0)]
Network = Annotated[
    IPv4Network | IPv6Network,
    BeforeValidator(parse_network),
    _written(rf"^[0-9A-Fa-f:.]+(/[0-9]+)?$|{_VARIABLE}"),
    QUOTABLE,
]
Count = Annotated[int, BeforeValidator(parse_count), _written(rf"^[0-9]+$|{_VARIABLE}", "integer"), QUOTABLE]
Share = Annotated[float, BeforeValidator(parse_share), _written(rf"^[01](\.[0-9]+)?$|{_VARIABLE}", "number"), QUOTABLE]
Switch = Annotated[bool, BeforeValidator(parse_switch), _written(rf"^{_VARIABLE[1:]}", "boolean"), QUOTABLE]
ListenAddress = Annotated[
    Address, BeforeValidator(parse_address), AfterValidator(_socket_path), _written(r"^.+:.+$"), QUOTABLE
]
FilePath = Annotated[Path, AfterValidator(_file_path)]
