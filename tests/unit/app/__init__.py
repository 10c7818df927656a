"""Tests of proxy.app."""
