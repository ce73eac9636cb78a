"""Who is asked about what: leases, answers that survive a crash, and progress."""
