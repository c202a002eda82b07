"""Reliability figures of surfaces over a time window: availability, MTTR, MTBF, error budgets, backfill."""
