"""A lecture hall that opens the page at once: what its visitors wait for (``make load``)."""
