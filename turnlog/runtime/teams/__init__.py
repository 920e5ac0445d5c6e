"""Teammates, their mail, and the board of their tasks."""
