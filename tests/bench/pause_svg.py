#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pause against threads as SVG, from what ./dev bench left in bench.json (.stop_bench).

    pause_svg.py BUILD_DIR/bench.json >docs/pause.svg
"""
import json
import math
import re
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 70, 150, 50, 50
LINE = re.compile(r"^(lazy|full)\s+sleeping\s+N=(\d+)\s+pause\s+([\d.]+) ms \(p95\s+([\d.]+)\)")
COLOURS = {"lazy": "#1b7f3b", "full": "#b3541e"}


def read(path):
    with open(path, encoding="utf-8") as file:
        lines = json.load(file)["stop_bench"]
    points = {}
    for line in lines:
        match = LINE.match(line)
        if match:
            points.setdefault(match[1], []).append((int(match[2]), float(match[3])))
    return points


def scale(value, low, high, start, end):
    return start + (math.log10(value) - low) / (high - low) * (end - start)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    points = read(sys.argv[1])
    if not points:
        sys.exit("no line of stop_bench in " + sys.argv[1])
    every = [point for line in points.values() for point in line]
    x_low, x_high = math.log10(min(n for n, _ in every)), math.log10(max(n for n, _ in every))
    y_low = math.floor(math.log10(min(ms for _, ms in every)))
    y_high = math.ceil(math.log10(max(ms for _, ms in every)))
    x = lambda n: scale(n, x_low, x_high, LEFT, WIDTH - RIGHT)
    y = lambda ms: scale(ms, y_low, y_high, HEIGHT - BOTTOM, TOP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">Pause of one commit, sleeping threads, median</text>',
    ]
    for decade in range(y_low, y_high + 1):
        at = y(10.0**decade)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0 ** decade:g} ms</text>')
    for n in sorted({n for n, _ in every}):
        out.append(f'<text x="{x(n):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{n}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">threads</text>')
    for name, line in sorted(points.items()):
        line.sort()
        path = " ".join(f"{x(n):.1f},{y(ms):.1f}" for n, ms in line)
        colour = COLOURS[name]
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for n, ms in line:
            out.append(f'<circle cx="{x(n):.1f}" cy="{y(ms):.1f}" r="3" fill="{colour}"/>')
        n, ms = line[-1]
        out.append(f'<text x="{x(n) + 8:.1f}" y="{y(ms) + 4:.1f}" fill="{colour}">{name}: {ms:g} ms</text>')
    out.append("</svg>")
    print("\n".join(out))


main()
