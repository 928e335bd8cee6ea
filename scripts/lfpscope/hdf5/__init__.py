"""What h5py needs help with: values, layouts, chunk indexes, isolation."""
