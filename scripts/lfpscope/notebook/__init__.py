"""Pictures and the viewer in a notebook's cell."""
