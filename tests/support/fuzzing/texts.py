"""Changes of a file as text: TOML with other bytes, CSV tables with other columns, cells and rows."""

from __future__ import annotations

from random import Random

STRANGE = (
    "\x00",
    "\r",
    "\x1b[31m",
    "\x7f",
    "\u202e",
    "\ufeff",
    "٣",
    "\u00a0",
    "\u2028",
    "é",
    "\t",
    '"""',
    "'''",
    "#",
    "=",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "\\",
    "\n",
)
CELLS = ("", ".", "NA", "NaN", "nan", "inf", "1e400", "-0", "0", "1", "-1", "1e18", "1e19", "1_0", "٣", "０", "0x1", " 5 ", "5 mg", "C1", "#", "@", "1,5", "=1+1", "\x1b[2J", "\x00", "x" * 70_000, '"', '"a', "1.0", "1e-320", "2", "3", "4", "-2", "1:30", "1e12", "1.0000001e12")  # fmt: skip
HEADERS = ("ID", "TIME", "AMT", "RATE", "II", "ADDL", "SS", "EVID", "CMT", "TINF", "DUR", "MDV", "DV", "C", "WEIGHT", "AGE", "", "X", "é", "time", "#ID", "DATE", "projection.x.weight", "subjects.count")  # fmt: skip


def toml_bytes(text: str, random: Random) -> bytes:
    """Return a TOML text with one change that no table knows of."""
    lines = text.split("\n")
    row = random.randrange(len(lines))
    match random.choice(
        ["insert", "cut", "line", "swap", "deep", "long", "bytes", "bom", "crlf", "dots", "open", "letter"]
    ):
        case "insert":
            at = random.randrange(len(text) + 1)
            return (text[:at] + random.choice(STRANGE) + text[at:]).encode()
        case "cut":
            return text[: random.randrange(len(text) + 1)].encode()
        case "line":
            del lines[row]
        case "swap":
            other = random.randrange(len(lines))
            lines[row], lines[other] = lines[other], lines[row]
        case "deep":
            depth = random.choice([5, 15, 16, 17, 900])
            lines[row] = f"x = {'[' * depth}{']' * depth}"
        case "long":
            lines[row] = f"{'a' * random.choice([64, 65, 400, 401, 90_000])} = 1"
        case "bytes":
            data = bytearray(text.encode())
            data[random.randrange(len(data))] = random.randrange(256)
            return bytes(data)
        case "bom":
            return b"\xef\xbb\xbf" + text.encode(random.choice(["utf-8", "utf-16"]))
        case "crlf":
            return text.replace("\n", "\r\n").encode()
        case "dots":
            lines[row] = f"{'.'.join('a' * random.choice([3, 16, 17, 9_000]))} = 1"
        case "open":
            lines[row] = random.choice(
                ["[", "[[", "[[subjects]]", "[a.b", "x = [", 'x = """', "x = '", "[arm]", "[study.x.sweep]", "= 1"]
            )
        case "letter":
            at = random.randrange(len(text))
            return (text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]).encode()
    return "\n".join(lines).encode()


def csv_bytes(text: str, random: Random) -> bytes:
    """Return a CSV table with one or two changes."""
    rows = [line.split(",") for line in text.splitlines()]
    separator = ","
    for _ in range(random.choice([1, 1, 2])):
        row, column = random.randrange(len(rows)), random.randrange(max(len(rows[0]), 1))
        match random.choice(
            [
                "cell",
                "cell",
                "cell",
                "header",
                "column",
                "double",
                "ragged",
                "shuffle",
                "repeat",
                "empty",
                "separator",
                "many",
            ]
        ):
            case "cell":
                rows[row][column % max(len(rows[row]), 1) :][:1] = []
                rows[row].insert(column, random.choice(CELLS))
            case "header":
                rows[0][column % len(rows[0])] = random.choice(HEADERS)
            case "column":
                rows = [r[:column] + r[column + 1 :] for r in rows]
            case "double":
                rows = [[*r, *r[column : column + 1]] for r in rows]
            case "ragged":
                rows[row] = rows[row][: random.randrange(len(rows[row]) + 2)] + ["1"] * random.choice([0, 1])
            case "shuffle":
                head, body = rows[:1], rows[1:]
                random.shuffle(body)
                rows = head + body
            case "repeat":
                rows += [list(rows[-1])] * random.choice([1, 50])
            case "empty":
                rows = random.choice([rows[:1], [[]], [[], *rows], rows[1:] or [[]]])
            case "separator":
                separator = random.choice([";", "\t", " ", ", "])
            case "many":
                rows = [[*r, *(f"c{i}" for i in range(3_000))] for r in rows[:2]]
        rows = [r if r else [""] for r in rows] or [[""]]
    found = "\n".join(separator.join(r) for r in rows) + "\n"
    if random.random() < 0.15:
        found = found.replace("\n", random.choice(["\r\n", "\r", "\n\n", "\n\x00"]))
    data = found.encode()
    if random.random() < 0.1:
        data = random.choice([b"\xef\xbb\xbf", b"\xff", b"\x00", b'"']) + data
    return data
