"""Calendar sources: each turns the bytes of one kind of calendar into announcements."""
