"""Worker processes that read foreign bytes.

They can be killed, so that no publisher's text can delay the watch.
"""
