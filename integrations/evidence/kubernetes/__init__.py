"""Kubernetes: what kubectl printed, whatever it was asked for, read into what is wrong with which workload."""
