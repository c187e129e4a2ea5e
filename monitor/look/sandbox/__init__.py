"""Worker processes that read foreign bytes."""
