"""Tests of proxy.oauth."""
