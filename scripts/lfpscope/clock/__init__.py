"""Time of samples: segments, timestamps, the axis of a picture."""
