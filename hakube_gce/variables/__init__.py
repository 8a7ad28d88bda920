"""Every variable of kube-up and every one of ours, one row each; `table` has them all. Values."""
