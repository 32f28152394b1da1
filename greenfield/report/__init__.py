"""From results to what people and machines keep: terminal lines, JUnit, JSON, HTML, and a signed statement."""
