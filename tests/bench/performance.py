#!/usr/bin/env python3
"""performance.py - what modules.py measured: a table, and the tables and plots of docs/PERFORMANCE.md.

    performance.py RESULTS.json [--docs FOLDER] --ours MODULE

Status 1 if a step of our module failed or does not keep its limit.
"""

import argparse
import json
import pathlib
import re
import sys
from html import escape

CARDS = {"gen1": "first generation", "gen2": "second generation"}
LINES = (("gen1", "#1f5fa8"), ("gen2", "#b8502d"))
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 340, 70, 20, 40, 70


def per(row, name, scale=1.0, digits=1):
    """A value of one operation; "" where nothing was measured."""
    if row.get(name) is None:
        return ""
    text = f"{row[name] / scale / row.get('operations', 1):.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def ratio(row):
    limit = row.get("limit_ratio") and f"≤ {row['limit_ratio']}" or \
        row.get("limit_commands") and f"≤ {row['limit_commands']} commands"
    return f"{row['ratio']:.2f}" + (f" ({limit})" if limit else "")


STEP_COLUMNS = ("step", "commands", "floor", "ratio (limit)", "bytes", "private operations", "card time, ms",
                "instructions, million", "processor time, ms", "peak memory, MiB")
SHARED_COLUMNS = ("signatures", "commands each", "floor", "ratio", "bytes each", "private operations", "card time each, ms",
                  "processor time each, ms", "all, ms", "peak memory, MiB")
GROWTH_COLUMNS = {
    "certificates": ("certificates", "listing", "commands", "floor", "ratio", "bytes", "private operations", "card time, ms",
                     "instructions, million", "processor time, ms", "peak memory, MiB"),
    "processes": ("processes", *SHARED_COLUMNS),
    "threads": ("threads", *SHARED_COLUMNS),
}


def step_cells(row):
    if row["failed"]:
        return [row["step"], f"cannot: {row['failed']}"] + [""] * (len(STEP_COLUMNS) - 2)
    return [row["step"], per(row, "commands"), per(row, "floor"), ratio(row), per(row, "bytes", digits=0),
            per(row, "private_ops"), per(row, "card_time_us", 1000), per(row, "instructions", 1e6, 2),
            per(row, "cpu_us", 1000, 2), f"{row['peak_kib'] / 1024:.1f}"]


def growth_cells(row):
    if row["failed"]:
        return [str(row["number"]), f"cannot: {row['failed']}"] + [""] * (len(GROWTH_COLUMNS[row["growth"]]) - 2)
    peak = f"{row['peak_kib'] / 1024:.1f}"
    if row["growth"] == "certificates":
        return [str(row["number"]), row["what"], str(row["commands"]), str(row["floor"]), ratio(row), str(row["bytes"]),
                str(row["private_ops"]), per(row, "card_time_us", 1000), per(row, "instructions", 1e6, 2),
                per(row, "cpu_us", 1000, 2), peak]
    each = row | {"operations": row["count"]}
    return [str(row["number"]), str(row["count"]), per(each, "commands", digits=2), per(each, "floor", digits=2), ratio(row),
            per(each, "bytes", digits=0), str(row["private_ops"]), per(each, "card_time_us", 1000),
            per(each, "cpu_us", 1000, 2), per(row, "wall_us", 1000, 0), peak]


def tables(rows, module):
    """(name, title, columns, lines of cells) for all that there is of this module."""
    for card, title in CARDS.items():
        mine = [r for r in rows if r["module"] == module and r["card"] == card]
        steps = [step_cells(r) for r in mine if "step" in r]
        if steps:
            yield f"steps-{card}", f"{title}: steps", STEP_COLUMNS, steps
        for growth, columns in GROWTH_COLUMNS.items():
            lines = [growth_cells(r) for r in mine if r.get("growth") == growth]
            if lines:
                yield f"{growth}-{card}", f"{title}: {growth}", columns, lines


def print_table(title, columns, lines):
    widths = [max(len(line[i]) for line in [columns, *lines] if i != 1 or not line[1].startswith("cannot"))
              for i in range(len(columns))]
    print(f"\n{title}")
    for line in [columns, *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def markdown(columns, lines):
    return "\n".join(["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"] +
                     ["| " + " | ".join(line) + " |" for line in lines])


# ---- plots: without any library, and the same bytes for the same numbers ----

def frame(title, down, across, body):
    """Opaque: it is read in dark windows, too. `down` and `across` name the axes."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="12">\n<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
            f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>\n'
            f'<text x="18" y="{(TOP + HEIGHT - BOTTOM) / 2:g}" text-anchor="middle" '
            f'transform="rotate(-90 18 {(TOP + HEIGHT - BOTTOM) / 2:g})">{escape(down)}</text>\n'
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - BOTTOM + 38}" text-anchor="middle">{escape(across)}</text>\n' +
            "\n".join(body) + "\n</svg>\n")


def nice_top(value):
    """The next 1, 2, 2.5 or 5 of some power of ten, four of which are above the value."""
    power = 0.01
    while True:
        for step in (1, 2, 2.5, 5):
            if 4 * step * power >= value:
                return 4 * step * power
        power *= 10


def axis(top):
    body = []
    for i in range(5):
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * i / 4
        body += [f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>',
                 f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * i / 4:g}</text>']
    return body


def legend(entries):
    body, x = [], LEFT
    for name, colour in entries:
        body += [f'<rect x="{x}" y="{HEIGHT - 18}" width="10" height="10" fill="{colour}"/>',
                 f'<text x="{x + 14}" y="{HEIGHT - 9}">{escape(name)}</text>']
        x += 30 + 7 * len(name)
    return body


def y_of(value, top):
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def bars(title, down, groups, series):
    """Groups of bars: (name, one value for each of `series`)."""
    top = nice_top(max(value for _, values in groups for value in values) or 1)
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    width = room * 0.7 / len(series)
    body = axis(top)
    for i, (name, values) in enumerate(groups):
        x = LEFT + room * (i + 0.15)
        for j, value in enumerate(values):
            y = y_of(value, top)
            body += [f'<rect x="{x + j * width:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" '
                     f'fill="{series[j][1]}"/>',
                     f'<text x="{x + (j + 0.5) * width:.1f}" y="{y - 3:.1f}" font-size="9" '
                     f'text-anchor="middle">{value:g}</text>']
        words, middle = name.replace(",", "").split(), LEFT + room * (i + 0.5)
        body += [f'<text x="{middle:.1f}" y="{HEIGHT - BOTTOM + 15 + 13 * n}" font-size="10" '
                 f'text-anchor="middle">{escape(word)}</text>' for n, word in enumerate(words)]
    return frame(title, down, "", body + legend(series))


def curves(title, down, across, series):
    """Lines over 1, 4, 16, 64: each number has the same room. (name, colour, {number: value})."""
    numbers = sorted({n for _, _, values in series for n in values})
    top = nice_top(max(value for _, _, values in series for value in values.values()) or 1)
    place = {n: LEFT + (WIDTH - LEFT - RIGHT) * (i + 0.5) / len(numbers) for i, n in enumerate(numbers)}
    body = axis(top)
    body += [f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{n}</text>' for n, x in place.items()]
    for name, colour, values in series:
        points = [(place[n], y_of(value, top)) for n, value in sorted(values.items())]
        dashes = ' stroke-dasharray="5 4"' if "floor" in name else ""
        body.append('<polyline fill="none" stroke-width="2"' + dashes + f' stroke="{colour}" points="' +
                    " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return frame(title, down, across, body + legend([(name, colour) for name, colour, _ in series]))


def plots(rows, module):
    """File name and content of each plot: one for a table."""
    good = [r for r in rows if r["module"] == module and not r["failed"]]
    for card, title in CARDS.items():
        mine = [r for r in good if r["card"] == card]
        steps = [r for r in mine if "step" in r]
        if steps:
            groups = [(r["step"], (round(r["commands"] / r["operations"], 2), r["floor"] / r["operations"])) for r in steps]
            yield f"steps-{card}", bars(f"Commands of each step, {title}", "commands an operation", groups, (("measured", LINES[0][1]), ("floor", "#bbb")))
        listing = [r for r in mine if r.get("growth") == "certificates"]
        if listing:
            series = [(what, colour, {r["number"]: r["commands"] for r in listing if r["what"] == what})
                      for what, colour in (("cold listing", LINES[0][1]), ("warm listing", LINES[1][1]))]
            series.append(("floor", "#888", {r["number"]: r["floor"] for r in listing}))
            yield f"certificates-{card}", curves(f"Commands by number of certificates, {title}", "commands a listing",
                                                   "certificates on the card", series)
        for growth in ("processes", "threads"):
            shared = [r for r in mine if r.get("growth") == growth]
            if shared:
                series = [("measured", LINES[0][1], {r["number"]: r["commands"] / r["count"] for r in shared}),
                          ("floor", "#888", {r["number"]: r["floor"] / r["count"] for r in shared})]
                yield f"{growth}-{card}", curves(f"Commands a signature by number of {growth}, {title}", "commands a signature",
                                                growth, series)


def renew_docs(folder, rows, module):
    """Between the markers of each table; what is not there is left out of the page."""
    page = pathlib.Path(folder, "PERFORMANCE.md")
    images = pathlib.Path(folder, "performance")
    text = page.read_text(encoding="utf-8")
    images.mkdir(exist_ok=True)
    for name, plot in plots(rows, module):
        (images / f"{name}.svg").write_text(plot, encoding="utf-8")
    for name, title, columns, lines in tables(rows, module):
        new = f"<!-- bench: {name} -->\n\n{markdown(columns, lines)}\n\n![{title}](performance/{name}.svg)\n\n<!-- end -->"
        text, times = re.subn(rf"<!-- bench: {name} -->.*?<!-- end -->", lambda _, n=new: n, text, flags=re.DOTALL)
        if times != 1:
            sys.exit(f"performance.py: {page} has no place for {name}")
    page.write_text(text, encoding="utf-8")


def broken(rows, module):
    """What our module does not keep."""
    for row in rows:
        if row["module"] != module:
            continue
        name = f"{row['card']}: {row.get('step') or row['growth'] + ' ' + str(row['number'])}"
        if row["failed"]:
            yield f"{name}: {row['failed']}"
        elif row.get("limit_ratio") and row["ratio"] > row["limit_ratio"]:
            yield f"{name}: {row['ratio']} times the floor, at most {row['limit_ratio']}"
        elif row.get("limit_commands") and row["commands"] > row["limit_commands"]:
            yield f"{name}: {row['commands']} commands, at most {row['limit_commands']}"


def dearer(rows, module):
    """Where a cache costs more than it saves."""
    cold = {(r["card"], r["number"]): r["commands"] for r in rows
            if r["module"] == module and r.get("what") == "cold listing"}
    for row in rows:
        key = (row["card"], row.get("number"))
        if row["module"] == module and row.get("what") == "warm listing" and row["commands"] > cold[key]:
            yield f"{key[0]}: {key[1]} certificates: warm {row['commands']} commands, cold {cold[key]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("--docs")
    parser.add_argument("--ours", required=True)
    args = parser.parse_args()
    with open(args.results, encoding="utf-8") as stream:
        rows = json.load(stream)["rows"]
    for module in dict.fromkeys(r["module"] for r in rows):
        print(f"\n==== {module}")
        reasons = {r["failed"] for r in rows if r["module"] == module}
        if len(reasons) == 1 and reasons != {""}:
            print(f"\nNothing was measured: {reasons.pop()}")
            continue
        for _, title, columns, lines in tables(rows, module):
            print_table(title, columns, lines)
    if args.docs:
        renew_docs(args.docs, rows, args.ours)
    bad = [*broken(rows, args.ours), *dearer(rows, args.ours)]
    for line in bad:
        print(f"NOT KEPT: {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
