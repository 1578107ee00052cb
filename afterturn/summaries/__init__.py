"""Summaries of sessions, made from episodes, and profiles and preferences of users, made from current facts."""
