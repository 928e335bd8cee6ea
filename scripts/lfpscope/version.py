"""The version, known without the metadata that an installation writes."""

VERSION = "0.1.0"
