"""How the page looks: one size of type, one accent, frames that line up."""

from typing import Any

from bokeh.models import Row
from bokeh.models.dom import HTML

FONT = "13px"
INK, FAINT, RULE, ACCENT, WRONG = "#222222", "#6a6a6a", "#cccccc", "#2166ac", "#9c2a10"
SHADES = {"dead": "#9c2a10", "noisy": "#e08214", "outside": "#9e9e9e", "unknown": "#dddddd"}
"""Of rows of channels with these labels."""
STRIP = 92  # pixels, with the areas' names
LEFT, RIGHT = 72, 84  # pixels beside the frame for the depth axis, and for a bar of colours
ABOVE, BELOW = 2, 6  # pixels beside the frame

PAGE = f"""
:root {{
  --bokeh-base-font: "DejaVu Sans", Helvetica, Arial, sans-serif;
  --bokeh-font-size: {FONT};
}}
body {{ margin: 0; background: white; color: {INK}; }}
"""

HEADING = f"""
:host > div {{ flex: 1; min-width: 0; }}
.heading {{
  display: flex; justify-content: space-between; gap: 2em; white-space: nowrap; line-height: 22px;
}}
.heading > * {{ overflow: hidden; text-overflow: ellipsis; }}
.facts {{ display: flex; gap: 0.4em; min-width: 0; }}
.facts > * {{ flex: none; }}
.probe-name {{ cursor: pointer; }}
.badge, .shown {{ color: {FAINT}; flex: none; max-width: 60%; }}
.wrong {{ color: {WRONG}; white-space: normal; }}
.doubt {{
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis; cursor: help;
  font-weight: bold; flex: 0 1 auto !important; min-width: 8em;
}}
"""

# over the last line, so that nothing moves, nor is drawn again, when it comes and goes
MESSAGE = f"""
:host {{
  position: absolute; right: {RIGHT}px; bottom: 0; max-width: max(34%, 100% - 650px); z-index: 1;
  padding: 2px 8px; line-height: 18px; background: white; border: 1px solid {ACCENT};
}}
"""

# more probes than the window has room for scroll, above an axis and a minimap that stay
SCROLL = ":host { overflow-y: auto; overflow-x: hidden; min-height: 0; }"

# a narrow window has the controls in more lines
HEADER = ":host { flex-wrap: wrap; }"

TOOLBAR = ":host(.bk-above) { justify-content: flex-start; }"

CONTROL = """
.bk-btn { padding: 0 9px; height: 26px; line-height: 24px; }
.bk-input { padding: 0 8px; height: 26px; min-height: 26px; }
"""

# over the page, so that nothing moves
KEYS = f"""
:host {{
  position: absolute; top: 66px; left: 8px; right: 8px; width: auto !important;
  z-index: 2; padding: 4px 8px;
  background: white; border: 1px solid {ACCENT};
}}
"""
KEYS += """
.bk-clearfix { width: 100%; }
div > div { display: grid; grid-template-columns: repeat(auto-fill, minmax(24em, 1fr)); }
span { line-height: 22px; }
kbd { font: inherit; border: 1px solid #cccccc; border-radius: 3px; padding: 0 6px; }
"""


def borders(left: int, right: int = RIGHT) -> dict[str, Any]:
    """Fixed, so that all frames lie below one another, and a strip beside its picture."""
    return {
        "min_border_left": left,
        "min_border_right": right,
        "min_border_top": ABOVE,
        "min_border_bottom": BELOW,
        "outline_line_color": RULE,
    }


def quiet_axis(axis: Any) -> None:
    """Make an axis legible and calm."""
    axis.major_label_text_font_size = FONT
    axis.major_label_text_color = INK
    axis.axis_label_text_font_size = FONT
    axis.axis_label_text_font_style = "normal"
    axis.axis_label_text_color = FAINT
    axis.axis_line_color = axis.major_tick_line_color = RULE
    axis.minor_tick_line_color = None


def text_line(text: HTML, **place: Any) -> Row:
    """A line of text that may change often: for a Div the browser lays out the whole page again."""
    return Row(
        elements=[text], height=22, sizing_mode="stretch_width", stylesheets=[HEADING], **place
    )
