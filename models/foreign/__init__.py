"""Models that other programs trained, opened from their own files behind our contract."""
