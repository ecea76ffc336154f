"""Pictures of graphs as PNG, drawn by Pillow (the extra ``image``) from the same layout as the SVG."""
from __future__ import annotations

import io
import math

__all__ = ["to_png"]

INCH = 96          # units of the layout, which are pixels of SVG
STEPS = 12         # straight pieces of a curve between two points
ARROW = 8          # length of an arrow's head


def to_png(drawing, dpi) -> bytes:
    """The PNG file of a Drawing of kgraph.inspect.pictures."""
    from PIL import Image, ImageDraw, ImageFont
    scale = dpi / INCH
    image = Image.new("RGB", (math.ceil(drawing.width * scale), math.ceil(drawing.height * scale)), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12 * scale)
    thick = max(1, round(scale))
    for box in drawing.boxes:
        if box.framed:
            _box(pen, box, drawing.line, scale, font, "#f7f7f2", "#888888")
    for points, arrow in drawing.edges:
        line = [(round(x * scale), round(y * scale)) for x, y in _curve(points, drawing.sideways)]
        pen.line(line, fill="black", width=thick)
        if arrow:
            pen.polygon(_head(line[-2], line[-1], ARROW * scale), fill="black")
    for box in drawing.boxes:
        if not box.framed:
            _box(pen, box, drawing.line, scale, font, "#eeeeff", "black")
    file = io.BytesIO()
    image.save(file, "PNG", dpi=(dpi, dpi))
    return file.getvalue()


def _box(pen, box, line, scale, font, fill, outline):
    corners = [n * scale for n in (box.x, box.y, box.x + box.width, box.y + box.height)]
    pen.rounded_rectangle(corners, 4 * scale, fill=fill, outline=outline, width=max(1, round(scale)))
    for i, text in enumerate(box.lines):
        at = ((box.x + box.width / 2) * scale, (box.y + line * (i + 0.9)) * scale)
        pen.text(at, text, fill="black", font=font, anchor="ms")


def _curve(points, sideways) -> list:
    """The points of the smooth curve that edge_path describes."""
    found = [points[0]]
    for (x1, y1), (x2, y2) in zip(points, points[1:]):
        if x1 == x2 or y1 == y2:
            found.append((x2, y2))
            continue
        bend = (((x1 + x2) / 2, y1), ((x1 + x2) / 2, y2)) if sideways else ((x1, (y1 + y2) / 2), (x2, (y1 + y2) / 2))
        for i in range(1, STEPS + 1):
            t = i / STEPS
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3)
            found.append(tuple(sum(w * p[axis] for w, p in zip(weights, ((x1, y1), *bend, (x2, y2))))
                               for axis in (0, 1)))
    return found


def _head(before, tip, length) -> list:
    """The triangle of an arrow that arrives at the tip."""
    angle = math.atan2(tip[1] - before[1], tip[0] - before[0])
    return [tip, *((tip[0] - length * math.cos(angle + turn), tip[1] - length * math.sin(angle + turn))
                   for turn in (0.4, -0.4))]
