"""Enrolment: who owns and facilitates, which cohorts there are, and how somebody comes to have a seat in one."""
