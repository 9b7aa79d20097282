/*
 * Line: words and numbers out of a text.
 */
#include "line.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

Line::Line(const std::string &text) : text_(text)
{
	std::istringstream stream(text);
	std::string word;

	while (stream >> word)
		words_.push_back(word);
}

const std::string &Line::word(size_t i) const
{
	static const std::string none;

	return i < words_.size() ? words_[i] : none;
}

bool Line::starts(const char *first, const char *second) const
{
	return word(0) == first && (!second || word(1) == second);
}

static long long line_number(const char *text, const std::string &where)
{
	char *end;

	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno || end == text || *end)
		throw WrongAnswer("no number where one belongs: " + where);
	return number;
}

long long Line::number(size_t i) const
{
	return line_number(word(i).c_str(), text_);
}

const std::string *Line::find(const char *name) const
{
	size_t length = strlen(name);

	for (const std::string &word : words_) {
		if (word.compare(0, length, name) == 0 && word.size() > length &&
		    word[length] == '=')
			return &word;
	}
	return nullptr;
}

bool Line::has(const char *name) const
{
	return find(name) != nullptr;
}

long long Line::value(const char *name) const
{
	const std::string *word = find(name);

	if (!word)
		throw WrongAnswer(std::string("no ") + name + "= in: " + text_);
	return line_number(word->c_str() + strlen(name) + 1, text_);
}

size_t line_rows(const Line &line)
{
	if (!line.starts("ok") || !line.has("rows"))
		return 0;
	return (size_t)line.value("rows");
}
