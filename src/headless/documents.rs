//! `completions` and `man`: what the definition of the command line says, in other forms.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell as Target;

use super::failure::{Code, Failure};
use crate::cli::{Cli, Shell};

/// Prints the completions for a shell.
pub(super) fn completions(shell: Shell, out: &mut impl Write) -> Result<Code, Failure> {
    let shell = match shell {
        Shell::Bash => Target::Bash,
        Shell::Elvish => Target::Elvish,
        Shell::Fish => Target::Fish,
        Shell::Powershell => Target::PowerShell,
        Shell::Zsh => Target::Zsh,
    };
    // Made in memory: the generator panics where it cannot write.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pm2-tui", &mut text);
    out.write_all(&text)?;
    Ok(Code::Fine)
}

/// Prints the man page: the program's, and each command's options after it.
pub(super) fn man(out: &mut impl Write) -> Result<Code, Failure> {
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = sub.get_name();
        writeln!(out, ".SH \"COMMAND {}\"", name.to_uppercase())?;
        let page = clap_mangen::Man::new(sub.clone());
        page.render_description_section(out)?;
        page.render_synopsis_section(out)?;
        page.render_options_section(out)?;
    }
    Ok(Code::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_and_the_man_page_name_every_command() {
        let mut texts = Vec::new();
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::Powershell, Shell::Zsh] {
            let mut text = Vec::new();
            completions(shell, &mut text).unwrap();
            texts.push(String::from_utf8(text).unwrap());
        }
        let mut text = Vec::new();
        man(&mut text).unwrap();
        texts.push(String::from_utf8(text).unwrap());
        for text in texts {
            for command in Cli::command().get_subcommands() {
                assert!(text.contains(command.get_name()), "{}: {text}", command.get_name());
            }
        }
    }
}
