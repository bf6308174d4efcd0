"""Draws the 48-pixel icon of cPanel's home page: ``python appconfig/icons.py`` writes it anew."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

SIZE, FINE = 48, 4  # pixels, and samples a pixel in each direction
BLUE, WHITE = (0, 61, 166), (255, 255, 255)
OUTLINE = (
    (24, 3),
    (42, 10),
    (42, 23),
    (39, 33),
    (32, 41),
    (24, 45),
    (16, 41),
    (9, 33),
    (6, 23),
    (6, 10),
)
ARROW = (((24, 33), (24, 16)), ((16, 24), (24, 16)), ((32, 24), (24, 16)))
HALF = 2.25  # half the arrow's width


def png() -> bytes:
    """The picture as a PNG file with transparency."""
    rows = b"".join(
        b"\0" + b"".join(bytes(_pixel(column, row)) for column in range(SIZE))
        for row in range(SIZE)
    )
    head = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _pixel(column: int, row: int) -> tuple[int, int, int, int]:
    steps = [(number + 0.5) / FINE for number in range(FINE)]
    points = [(column + x, row + y) for x in steps for y in steps]
    inside = [point for point in points if _is_inside(point)]
    if not inside:
        return (0, 0, 0, 0)
    share = sum(_is_on_arrow(point) for point in inside) / len(inside)
    red, green, blue = (
        round(back + (front - back) * share) for back, front in zip(BLUE, WHITE, strict=True)
    )
    return (red, green, blue, round(255 * len(inside) / len(points)))


def _is_inside(point: tuple[float, float]) -> bool:
    x, y = point
    found = False
    for (x1, y1), (x2, y2) in zip(OUTLINE, (*OUTLINE[1:], OUTLINE[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            found = not found
    return found


def _is_on_arrow(point: tuple[float, float]) -> bool:
    return any(_distance(point, line) <= HALF for line in ARROW)


def _distance(
    point: tuple[float, float], line: tuple[tuple[float, float], tuple[float, float]]
) -> float:
    (x, y), ((x1, y1), (x2, y2)) = point, line
    wide, high = x2 - x1, y2 - y1
    along = ((x - x1) * wide + (y - y1) * high) / (wide**2 + high**2)
    along = min(1.0, max(0.0, along))
    return float(((x - x1 - along * wide) ** 2 + (y - y1 - along * high) ** 2) ** 0.5)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


if __name__ == "__main__":
    (Path(__file__).parent / "cpanel" / "originpulls.png").write_bytes(png())
