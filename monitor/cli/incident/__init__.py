"""`ninethirty incident`: incidents, what people do to them, and their drafts."""
