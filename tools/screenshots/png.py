"""PNG files with a palette of 256 colours: a page has hardly more, and they are a third as large as the browser's."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

MAGIC: Final = b"\x89PNG\r\n\x1a\n"
COLOURS: Final = 256

Colour = tuple[int, int, int]


class Header(NamedTuple):
    """What an image says of itself."""

    width: int
    height: int
    depth: int
    colour_type: int
    "2: RGB; 3: palette; 6: RGB with alpha."


def header(image: bytes) -> Header:
    """The header of a PNG file; ValueError if it is none."""
    if not image.startswith(MAGIC) or image[12:16] != b"IHDR":
        raise ValueError("it is no PNG file")
    return Header(*struct.unpack(">IIBB", image[16:26]))


def with_palette(image: bytes) -> bytes:
    """The same image with its most frequent colours; all others become the nearest of these."""
    width, height, _, _ = known = header(image)
    size = {2: 3, 6: 4}[known.colour_type]
    rows = list(unfiltered(image, width * size, size))
    pixels = [[(row[at], row[at + 1], row[at + 2]) for at in range(0, len(row), size)] for row in rows]
    palette = [colour for colour, _ in Counter(each for row in pixels for each in row).most_common(COLOURS)]
    places = {colour: place for place, colour in enumerate(palette)}
    for colour in {each for row in pixels for each in row} - places.keys():
        places[colour] = min(range(len(palette)), key=lambda place: distance(colour, palette[place]))
    lines = b"".join(b"\0" + bytes([places[each] for each in row]) for row in pixels)
    return MAGIC + b"".join(
        (
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", bytes(part for colour in palette for part in colour)),
            chunk(b"IDAT", zlib.compress(lines, 9)),
            chunk(b"IEND", b""),
        )
    )


def distance(one: Colour, other: Colour) -> int:
    """How far two colours are from each other."""
    return sum((each - its) ** 2 for each, its in zip(one, other, strict=True))


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The parts of a file: kind and content."""
    at = len(MAGIC)
    while at < len(image):
        (length,) = struct.unpack(">I", image[at : at + 4])
        yield image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        at += length + 12


def unfiltered(image: bytes, width: int, size: int) -> Iterator[bytearray]:
    """The rows of an image, each of `width` bytes, `size` for a pixel (PNG §9.2)."""
    octets = zlib.decompress(b"".join(content for kind, content in chunks(image) if kind == b"IDAT"))
    above = bytearray(width)
    for at in range(0, len(octets), width + 1):
        row = bytearray(octets[at + 1 : at + 1 + width])
        for place in range(width):
            left, corner = (row[place - size], above[place - size]) if place >= size else (0, 0)
            row[place] = row[place] + predicted(octets[at], left, above[place], corner) & 0xFF
        yield row
        above = row


def predicted(method: int, left: int, above: int, corner: int) -> int:
    """What a filter expects of a byte."""
    if method == 4:  # Paeth
        guess = left + above - corner
        return min((left, above, corner), key=lambda each: abs(guess - each))
    return (0, left, above, (left + above) // 2)[method]
