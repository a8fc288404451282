//! Long texts, piece by piece: a model forgets the beginning of what is longer than its memory, and servers take only
//! so much at once. Between the pieces stands what stood there in the text.

/// Longest text in characters: what is longer takes a model more time than a host gives to one call.
pub(crate) const LONGEST_TEXT: usize = 20_000;

/// Longest piece in bytes, some 700 words of English. The smallest models remember twice that.
const LONGEST_PIECE: usize = 4_000;

/// Where a text is cut, the best place first.
const ENDS: [&[&str]; 4] =
    [&["\n\n"], &["\n"], &[". ", "! ", "? ", "。", "！", "？"], &[" ", "，", "、", "\t"]];

/// Translates a text piece by piece. The first error ends it.
pub(crate) fn translate<E>(
    text: &str,
    mut translate: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    let mut translation = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, gap, after) = first_piece(rest, LONGEST_PIECE);
        translation.push_str(&translate(piece)?);
        translation.push_str(gap);
        rest = after;
    }
    Ok(translation)
}

/// The first piece of a text, the space behind it, and the rest.
fn first_piece(text: &str, longest: usize) -> (&str, &str, &str) {
    if text.len() <= longest {
        return (text, "", "");
    }
    let window = &text[..text.floor_char_boundary(longest)];
    let end = |ends: &&[&str]| {
        let found = ends.iter().filter_map(|end| window.rfind(end).map(|at| at + end.len())).max();
        // A small piece gives a model nothing to understand the rest from.
        found.filter(|at| *at > window.len() / 2)
    };
    let cut = ENDS.iter().find_map(end).unwrap_or(window.len());
    let (piece, after) = (text[..cut].trim_end(), text[cut..].trim_start());
    (piece, &text[piece.len()..text.len() - after.len()], after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, longest: usize, expect: &[&str]) {
        let (mut pieces, mut again, mut rest) = (Vec::new(), String::new(), text);
        while !rest.is_empty() {
            let (piece, gap, after) = first_piece(rest, longest);
            pieces.push(piece);
            again += piece;
            again += gap;
            rest = after;
        }
        assert_eq!(pieces, expect);
        assert_eq!(again, text, "nothing is lost");
    }

    #[test]
    fn a_short_text_is_one_piece() {
        check("Good morning. And good night.", 100, &["Good morning. And good night."]);
        check("", 100, &[]);
    }

    #[test]
    fn a_text_is_cut_at_the_best_place_there_is() {
        check("One. Two. Three.\n\nFour.\nFive.", 24, &["One. Two. Three.", "Four.\nFive."]);
        check("One. Two. Three.\n  Four. Five.", 24, &["One. Two. Three.", "Four. Five."]);
        check("One, two and three. Four, five", 24, &["One, two and three.", "Four, five"]);
        check("one two three four five six seven", 24, &["one two three four five", "six seven"]);
    }

    #[test]
    fn a_place_too_near_to_the_beginning_is_none() {
        check("No.\n\none two three four five six", 24, &["No.\n\none two three four", "five six"]);
    }

    #[test]
    fn a_text_without_a_place_is_cut_between_two_characters() {
        check("günaydındünya", 5, &["güna", "ydın", "düny", "a"]);
        check("早上好。世界你好。", 15, &["早上好。", "世界你好。"]);
    }

    #[test]
    fn pieces_are_translated_one_by_one_and_put_together_as_they_were() {
        let text = format!("{}\n\n{}", "a".repeat(3000), "b ".repeat(1500));
        let mut asked = Vec::new();
        let translation = translate::<()>(text.trim(), |piece| {
            asked.push(piece.len());
            Ok(piece.to_uppercase())
        });
        assert_eq!(translation, Ok(text.trim().to_uppercase()));
        assert_eq!(asked, [3000, 2999]);
    }

    #[test]
    fn the_first_failure_ends_it() {
        let mut asked = 0;
        let text = "word ".repeat(4000);
        let failed = translate(&text, |_| {
            asked += 1;
            Err("no luck")
        });
        assert_eq!((failed, asked), (Err("no luck"), 1));
    }
}
