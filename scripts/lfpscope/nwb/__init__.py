"""What an NWB file says."""
