"""References to decoded samples."""
