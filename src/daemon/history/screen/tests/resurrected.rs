//! Another daemon starts the processes of the one that was lost, one by one and with other ids.

use super::*;

const BOTH: &str = "both.log";

/// Two workers write one file; the daemon is lost, and both write their last lines. What came is `n` lines of each.
async fn lost(ids: [u32; 2], n: u32) -> Scene {
    let mut scene = Scene::new();
    scene.connect();
    scene.list(&ids.map(|id| (id, BOTH)));
    scene.pass(3_000).await;
    for n in 0..n {
        scene.says(ids[0], BOTH, &format!("old one {n}"));
        scene.says(ids[1], BOTH, &format!("old two {n}"));
        scene.pass(25).await;
    }
    scene.disconnect();
    scene.write(BOTH, &format!("old one {n}"));
    scene.write(BOTH, &format!("old two {n}"));
    scene.pass(700).await;
    scene.connect();
    // The list comes behind that.
    scene.pass(10).await;
    scene
}

/// The second worker is listed later than the first one, and may say something before that.
#[tokio::test(start_paused = true)]
async fn a_file_of_several_is_told_once_though_they_are_listed_one_by_one() {
    for ids in [[2, 3], [4, 5]] {
        for (is_first_heard, is_second_heard, later_ms) in [
            (false, false, 300),
            (true, false, 300),
            (true, true, 300),
            (true, true, 1_800),
            (true, false, 3_000),
            (false, false, 6_000),
        ] {
            let mut scene = lost(ids, 100).await;
            scene.list(&[(2, BOTH)]);
            let (mut one, mut two) = (0, 0);
            let mut say = |scene: &mut Scene, id: u32| {
                let (name, n) = if id == 2 { ("one", &mut one) } else { ("two", &mut two) };
                scene.says(id, BOTH, &format!("{name} {n}"));
                *n += 1;
            };
            scene.pass(30).await;
            for _ in 0..3 {
                if is_second_heard {
                    say(&mut scene, 3);
                }
                if is_first_heard {
                    say(&mut scene, 2);
                }
                scene.pass(20).await;
            }
            scene.pass(later_ms).await;
            scene.list(&[(2, BOTH), (3, BOTH)]);
            for _ in 0..40 {
                say(&mut scene, 3);
                say(&mut scene, 2);
                scene.pass(25).await;
            }
            scene.pass(16_000).await;
            // What is known of them is right at the next loss.
            scene.disconnect();
            scene.write(BOTH, "one 100");
            scene.write(BOTH, "two 100");
            scene.connect();
            scene.list(&[(2, BOTH), (3, BOTH)]);
            scene.pass(16_000).await;
            let news = [numbered("one", one), numbered("two", two)].concat();
            let last = ["one 100", "two 100"].map(str::to_owned).to_vec();
            let olds = [numbered("old one", 101), numbered("old two", 101)].concat();
            scene.assert_each_once([olds, news, last].concat());
        }
    }
}

/// One of two was not started again: what both wrote is told once.
#[tokio::test(start_paused = true)]
async fn a_file_of_several_is_told_once_though_one_of_them_stays_away() {
    let mut scene = lost([4, 5], 100).await;
    scene.list(&[(2, BOTH)]);
    for n in 0..80 {
        scene.says(2, BOTH, &format!("one {n}"));
        scene.pass(100).await;
    }
    let olds = [numbered("old one", 101), numbered("old two", 101)].concat();
    scene.assert_each_once([olds, numbered("one", 80)].concat());
}

/// What old workers wrote last, though another process has their id, or they were several.
#[tokio::test(start_paused = true)]
async fn what_was_written_to_files_that_nobody_has_is_told_whoever_wrote_it() {
    for (old, new) in [(&[1][..], 1), (&[1, 2], 2), (&[1, 2], 3)] {
        let mut scene = Scene::new();
        scene.connect();
        scene.list(&old.iter().map(|id| (*id, "old.log")).collect::<Vec<_>>());
        scene.pass(3_000).await;
        for id in old {
            scene.says(*id, "old.log", &format!("old {id}"));
        }
        scene.pass(3_000).await;
        let rounds = ["last", "later"];
        for (index, last) in rounds.into_iter().enumerate() {
            scene.disconnect();
            scene.write("old.log", last);
            scene.pass(500).await;
            scene.connect();
            scene.list(&[(new, "new.log")]);
            scene.says(new, "new.log", &format!("new {index}"));
            scene.pass(20_000).await;
        }
        // What is written there after that is of nobody.
        let olds = old.iter().map(|id| format!("old {id}"));
        let olds = olds.chain(["last".to_owned()]).chain(numbered("new", 2));
        scene.assert_each_once(olds.collect());
    }
}

/// Each life says the same; the new ones said it before the bus was back.
#[tokio::test(start_paused = true)]
async fn what_a_new_life_says_like_the_old_one_is_told() {
    let mut scene = Scene::new();
    let all = [(1, BOTH), (2, BOTH)];
    scene.connect();
    scene.list(&all);
    scene.pass(3_000).await;
    for id in [1, 2] {
        scene.says(id, BOTH, "starting");
        scene.says(id, BOTH, "ready");
    }
    scene.pass(3_000).await;
    scene.disconnect();
    scene.pass(600).await;
    for line in ["starting", "starting", "ready", "ready"] {
        scene.write(BOTH, line);
    }
    scene.pass(600).await;
    scene.connect();
    scene.list(&all);
    scene.pass(16_000).await;
    let wanted = ["starting", "ready"].map(|line| vec![line.to_owned(); 4]);
    scene.assert_each_once(wanted.concat());
}

/// All that is said is alike: before the loss, while the bus is away, and after it.
#[tokio::test(start_paused = true)]
async fn what_is_missed_of_lines_that_are_all_alike_is_told() {
    let mut scene = Scene::new();
    let all = [(1, BOTH), (2, BOTH)];
    scene.connect();
    scene.list(&all);
    scene.pass(3_000).await;
    for _ in 0..5 {
        scene.says(1, BOTH, "tick");
        scene.says(2, BOTH, "tick");
        scene.pass(200).await;
    }
    scene.disconnect();
    scene.pass(600).await;
    (0..6).for_each(|_| scene.write(BOTH, "tick"));
    scene.pass(600).await;
    scene.connect();
    scene.list(&all);
    for _ in 0..5 {
        scene.says(1, BOTH, "tick");
        scene.says(2, BOTH, "tick");
        scene.pass(200).await;
    }
    scene.pass(16_000).await;
    scene.assert_each_once(vec!["tick".to_owned(); 26]);
}

/// A busy daemon says late who is there: what comes again until then is not told before what was missed.
#[tokio::test(start_paused = true)]
async fn what_comes_of_a_daemon_that_says_late_who_is_there_is_told_once() {
    for [one, two] in [[BOTH, BOTH], ["one.log", "two.log"]] {
        let mut scene = Scene::new();
        let all = [(1, one), (2, two)];
        scene.connect();
        scene.list(&all);
        scene.pass(3_000).await;
        let say = |scene: &mut Scene, n: u32| {
            scene.says(1, one, &format!("one {n}"));
            scene.says(2, two, &format!("two {n}"));
        };
        say(&mut scene, 0);
        scene.pass(3_000).await;
        scene.disconnect();
        scene.write(one, "one 1");
        scene.write(two, "two 1");
        scene.pass(500).await;
        scene.connect();
        scene.list(&[]);
        for n in 2..60 {
            say(&mut scene, n);
            scene.pass(100).await;
        }
        scene.list(&all);
        for n in 60..120 {
            say(&mut scene, n);
            scene.pass(100).await;
        }
        scene.pass(16_000).await;
        scene.assert_each_once([numbered("one", 120), numbered("two", 120)].concat());
    }
}

/// Workers of a busy daemon say something long after they are listed, and it comes later than it is written.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_when_nothing_came_for_long_is_told_once() {
    for begins_ms in [3_970, 7_970] {
        let mut scene = lost([2, 3], 3).await;
        scene.list(&[(2, BOTH), (3, BOTH)]);
        // Old workers write on for a while.
        let rounds = begins_ms / 500;
        for n in 0..rounds {
            scene.write(BOTH, &format!("last {n}"));
            scene.pass(500).await;
        }
        scene.pass(begins_ms - rounds * 500).await;
        for n in 0..8 {
            scene.write(BOTH, &format!("one {n}"));
            scene.pass(20).await;
            if n >= 5 {
                scene.hears(2, &format!("one {}", n - 5));
            }
        }
        for n in 3..8 {
            scene.hears(2, &format!("one {n}"));
        }
        scene.pass(16_000).await;
        let lasts = numbered("last", u32::try_from(rounds).unwrap());
        let olds = [numbered("old one", 4), numbered("old two", 4)].concat();
        scene.assert_each_once([olds, lasts, numbered("one", 8)].concat());
    }
}
