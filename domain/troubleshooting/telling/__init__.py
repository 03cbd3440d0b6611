"""The words for people: report, answers to questions, context for those who take over, news for customers."""
