"""callcab: back office and customer cabinet of an outbound voice-calling service."""

__version__ = "0.1.0"
