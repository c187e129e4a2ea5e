"""Foreign bytes read in processes of their own, which may be stopped: no publisher's text can hold up the watch."""
