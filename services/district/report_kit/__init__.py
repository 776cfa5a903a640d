"""Pages that stand for themselves: one HTML file in Chinese and English, charts drawn into it, nothing fetched."""
