"""Energies: functions that are low where pictures are."""
