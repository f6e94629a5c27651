"""Forecasts the workload of each job."""
