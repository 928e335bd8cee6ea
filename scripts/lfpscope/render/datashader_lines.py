"""Lines drawn by Datashader itself."""

import numpy as np

from lfpscope.typing import Array, Mask


def datashader_lines(
    x: Array, y: Array, x_range: tuple[float, float], width: int, height: int
) -> Mask:
    """Draw lines with Datashader itself: a job has the time that the viewer has not.

    Parameters, result and pixels are those of `lfpscope.render.lines.draw_lines`.
    """
    import datashader  # seconds, which only those pay who draw with it
    import pandas as pd

    # heights as floats: integers would be compiled again
    canvas = datashader.Canvas(width, height, x_range, (0.0, float(height)))
    table = pd.DataFrame({"x": x, "y": y}, copy=False)
    return np.asarray(canvas.line(table, "x", "y", agg=datashader.any()))
