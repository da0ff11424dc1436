//! Tables of text as Go's `text/tabwriter` aligns them: cells end at a tab, columns are padded with blanks.

use crate::dockerfile::raw;

/// Aligns the cells of `text`; `padding` blanks stand between the widest cell of a column and the next one.
///
/// What follows the last tab of a line belongs to no column. A column ends at a line that does not have it.
pub(super) fn aligned(text: &str, padding: usize) -> String {
    // The official frontend reads what it prints from its JSON, which has no bytes that are not UTF-8.
    let text = &*raw::lossy(text);
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|cells| vec![0; cells.len() - 1]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut first = 0;
        while first < lines.len() {
            let has = |line: usize| line < lines.len() && widths[line].len() > column;
            let mut end = first;
            while has(end) {
                end += 1;
            }
            let block = first..end;
            let cells = lines[block.clone()].iter().map(|cells| cells[column].chars().count());
            let width = cells.max().unwrap_or(0) + padding;
            for row in &mut widths[block] {
                row[column] = width;
            }
            first = end + 1;
        }
    }
    let mut shown = String::with_capacity(text.len() * 2);
    for (row, (cells, widths)) in lines.iter().zip(&widths).enumerate() {
        if row > 0 {
            shown.push('\n');
        }
        for (column, cell) in cells.iter().enumerate() {
            shown.push_str(cell);
            if let Some(width) = widths.get(column) {
                shown.extend(std::iter::repeat_n(' ', width - cell.chars().count()));
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        for (summary, text, padding, expected) in [
            ("two columns", "A\tB\nlonger\tb\n", 1, "A      B\nlonger b\n"),
            ("an empty cell", "A\t\tC\n\tbb\tc\n", 2, "A      C\n   bb  c\n"),
            ("the last cell counts for nothing", "a\tlong\nb\tx\tc\n", 1, "a long\nb x c\n"),
            ("a line without cells ends the column", "aaa\tb\nx\nc\td\n", 1, "aaa b\nx\nc d\n"),
            ("letters, not bytes", "é\tb\nxx\tc\n", 1, "é  b\nxx c\n"),
        ] {
            assert_eq!(aligned(text, padding), expected, "{summary}");
        }
    }
}
