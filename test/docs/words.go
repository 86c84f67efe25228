package docs

import "strings"

// Commands splits what a shell would be given into simple commands, each of its words. It knows quotes, comments,
// redirections, and what stands between commands; what is expanded stays as it is written.
func Commands(script string) (commands [][]string) {
	s := splitter{rest: script}
	for s.rest != "" {
		s.next()
	}
	s.endCommand()
	return s.commands
}

// splitter is on its way through a script.
type splitter struct {
	rest     string
	word     strings.Builder
	within   bool // a word has begun
	file     bool // the word is one that a redirection leads to
	words    []string
	commands [][]string
}

// next takes what comes next: a character, or all that is quoted.
func (s *splitter) next() {
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch c {
	case '\\':
		if s.rest == "" {
			return
		}
		if s.rest[0] != '\n' {
			s.add(s.rest[:1])
		}
		s.rest = s.rest[1:]
	case '\'', '"':
		quoted, rest, _ := strings.Cut(s.rest, string(c))
		s.add(quoted)
		s.rest = rest
	case '#':
		if s.within {
			s.add("#")
			return
		}
		_, s.rest, _ = strings.Cut(s.rest, "\n")
		s.endCommand()
	case ' ', '\t':
		s.endWord()
	case '<', '>':
		if strings.Trim(s.word.String(), "0123456789&") == "" {
			s.word.Reset() // which stream it is
			s.within = false
		}
		s.endWord()
		s.rest = strings.TrimLeft(s.rest, "<>& ")
		s.file = true
	case '\n', ';', '|', '&', '(', ')':
		s.endCommand()
	default:
		s.add(string(c))
	}
}

func (s *splitter) add(text string) {
	s.word.WriteString(text)
	s.within = true
}

func (s *splitter) endWord() {
	if s.within && !s.file {
		s.words = append(s.words, s.word.String())
	}
	if s.within {
		s.file = false
	}
	s.word.Reset()
	s.within = false
}

func (s *splitter) endCommand() {
	s.endWord()
	s.file = false
	if len(s.words) > 0 {
		s.commands = append(s.commands, s.words)
	}
	s.words = nil
}
