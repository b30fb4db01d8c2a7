"""Every read of follow-up. Each takes the viewer; what hangs on a record one may not see is not there."""
